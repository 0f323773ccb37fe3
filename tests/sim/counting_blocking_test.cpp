#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <utility>

#include <frys/core/clock.hpp>
#include <frys/core/deadline.hpp>
#include <frys/core/wait.hpp>
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

namespace {

// Counting, and with a rest and a sleep in which a test plays the other side.
struct played : frys::atomics::counting {
  static void rest(unsigned) noexcept {
    if (--until_the_other == 0) the_other();
  }
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, frys::deadline) noexcept {
    ++sleeps;
    CHECK(word.load() == old);
    the_other();
    return true;
  }
  inline static int until_the_other = 0, sleeps = 0;
  inline static std::function<void()> the_other;
};
using A = played;
static_assert(frys::atomics_model<A>);

namespace policy = frys::policy;
using frys::deadline;
using ring_type = frys::mpmc_ring<int, policy::capacity<2>, policy::atomics<A>>;
template <class Wait>
using blocking_ring = frys::blocking<ring_type, policy::wait<Wait>>;

constexpr unsigned producer = 0, consumer = 1;
template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

// Of a lap of the queue alone, which is warm.
struct lap_cost {
  A::counts push, pop;
};
lap_cost lap_of_ring() {
  ring_type ring;
  lap_cost cost;
  for (int lap = 0; lap < 4; ++lap) {
    cost.push = on(producer, [&] { CHECK(ring.try_push(1)); });
    cost.pop = on(consumer, [&] { CHECK(ring.try_pop()); });
  }
  return cost;
}

}  // namespace

TEST_CASE_TEMPLATE("blocking: who does not wait pays for the queue, a fence and a load or two", W, frys::wait::spin,
                   frys::wait::yield, frys::wait::park, frys::wait::spin_then_park) {
  const lap_cost bare = lap_of_ring();
  blocking_ring<W> queue;
  for (int lap = 0; lap < 4; ++lap) {
    const A::counts push = on(producer, [&] { CHECK(queue.push(1)); }) - bare.push;
    const A::counts pop = on(consumer, [&] { CHECK(queue.pop()); }) - bare.pop;
    if (lap == 0) continue;  // the lines are new
    CHECK(push.text() == "1 load, 1 fence");
    CHECK(pop.loads == 2);  // who sleeps for room, and whether it is closed
    CHECK(pop.fences == 1);
    CHECK(push.stores + push.rmws + push.wakes + pop.stores + pop.rmws + pop.wakes == 0);
  }
}

TEST_CASE_TEMPLATE("blocking: a partner that comes while the other side looks pays for no waiter", W, frys::wait::spin,
                   frys::wait::yield, frys::wait::spin_then_park) {
  const lap_cost bare = lap_of_ring();
  blocking_ring<W> queue;
  A::counts theirs;
  A::sleeps = 0;
  // A pop that finds nothing, and a push that comes at its third look.
  A::until_the_other = 3;
  A::the_other = [&] { theirs = on(producer, [&] { CHECK(queue.push(1)); }); };
  A::counts mine = on(consumer, [&] { CHECK(*queue.pop() == 1); }) - theirs;
  CHECK(theirs.rmws == bare.push.rmws);
  CHECK(theirs.fences == bare.push.fences + 1);
  CHECK(theirs.wakes == 0);
  CHECK(mine.rmws == bare.pop.rmws);
  CHECK(mine.wakes + static_cast<unsigned>(A::sleeps) == 0);
  CHECK(A::until_the_other == 0);  // and it looked no more
  // A push that finds no room, and a pop that comes at its third look.
  for (int i = 0; i < 2; ++i) CHECK(queue.push(1));
  A::until_the_other = 3;
  A::the_other = [&] { theirs = on(consumer, [&] { CHECK(queue.pop()); }); };
  mine = on(producer, [&] { CHECK(queue.push(2)); }) - theirs;
  CHECK(theirs.rmws == bare.pop.rmws);
  CHECK(theirs.wakes == 0);
  CHECK(mine.rmws == bare.push.rmws);
  CHECK(mine.wakes + static_cast<unsigned>(A::sleeps) == 0);
  CHECK(A::until_the_other == 0);
}

namespace {

// A queue that refuses a number of times, and counts how often it was asked.
struct refusing {
  using value_type = int;
  using atomics_type = A;
  frys::push_result try_push(int) noexcept {
    return ++asked > refusals ? frys::push_result::ok : frys::push_result::full;
  }
  frys::pop_result<int> try_pop() noexcept {
    if (++asked > refusals) return frys::pop_result<int>(std::in_place, 1);
    return frys::pop_status::empty;
  }
  void close() noexcept {}
  int refusals = 0, asked = 0;
};
// Policies of a user: with no budget, with one of two.
struct plain_park {
  static constexpr bool sleeps = true;
  template <class Model, class C = frys::clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    return Model::wait(word, old, until);
  }
};
struct looks_three_times : plain_park {
  static constexpr unsigned spin_budget = 3;
};
struct yields_twice : plain_park {
  static constexpr int yield_budget = 2;
};

template <class Wait>
int looks_before_it_counts() {
  frys::blocking<refusing, policy::wait<Wait>> queue;
  A::sleeps = 0;
  for (int refusals = 0;; ++refusals) {
    REQUIRE(refusals < 1000);
    A::counts both[2];
    for (const bool pops : {true, false}) {
      queue.queue() = refusing{.refusals = refusals};
      both[pops] = A::of([&] {
        if (pops)
          CHECK(queue.pop());
        else
          CHECK(queue.push(1));
      });
      CHECK(queue.queue().asked == refusals + 1);
    }
    CHECK(A::sleeps == 0);  // who has just been counted looks once more, and finds it
    CHECK((both[0].rmws == 0) == (both[1].rmws == 0));
    if (both[0].rmws != 0) return refusals;
  }
}

}  // namespace

TEST_CASE("blocking: how often it looks before it counts as a waiter is the policy's budgets, and two") {
  CHECK(looks_before_it_counts<frys::wait::park>() == 2);
  CHECK(looks_before_it_counts<plain_park>() == 2);
  CHECK(looks_before_it_counts<looks_three_times>() == 2 + 3);
  CHECK(looks_before_it_counts<yields_twice>() == 2 + 2);
  CHECK(looks_before_it_counts<frys::wait::spin>() == 2 + 64);
  CHECK(looks_before_it_counts<frys::wait::yield>() == 2 + 16 + 16);
  CHECK(looks_before_it_counts<frys::wait::spin_then_park>() == 2 + 64 + 8);
  CHECK(looks_before_it_counts<frys::wait::basic_spin_then_park<10>>() == 2 + 10 + 8);
  CHECK(looks_before_it_counts<frys::wait::basic_spin_then_park<0>>() == 2);
}

TEST_CASE_TEMPLATE("blocking: a deadline that has passed neither spins nor waits", W, frys::wait::spin,
                   frys::wait::yield, frys::wait::park, frys::wait::spin_then_park) {
  for (const deadline past : {deadline::now(), deadline{frys::nanoseconds(0)}, deadline{frys::clocks::steady::now()}}) {
    frys::blocking<refusing, policy::wait<W>> queue;
    A::sleeps = 0;
    queue.queue().refusals = 1000;
    const A::counts pop = A::of([&] { CHECK(queue.pop_until(past).is_empty()); });
    CHECK(queue.queue().asked <= 2);
    CHECK(pop.text() == "nothing");
    queue.queue().asked = 0;
    const A::counts push = A::of([&] { CHECK(queue.push_until(1, past).is_full()); });
    CHECK(queue.queue().asked <= 2);
    CHECK(push.pauses + push.rmws + static_cast<unsigned>(A::sleeps) == 0);
  }
}

namespace {

// Moves on by one each time it is read.
struct ticking {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds(++at); }
  inline static int at = 0;
};

}  // namespace

TEST_CASE("blocking: a deadline that passes while it looks ends the looks, and is followed by one more") {
  frys::blocking<refusing, policy::wait<frys::wait::spin_then_park>, policy::clock<ticking>> queue;
  for (int budget = 1; budget <= 64 + 8; ++budget) {
    ticking::at = 0;
    queue.queue() = refusing{.refusals = 1000};
    const A::counts did = A::of([&] { CHECK(queue.pop_until(deadline{frys::nanoseconds(budget)}).is_empty()); });
    CHECK(did.text() == "nothing");
    CHECK(queue.queue().asked == budget + 1);  // at once, budget - 1 times before it passed, and the last
    // What came just before the deadline is found.
    ticking::at = 0;
    queue.queue() = refusing{.refusals = budget};
    CHECK(queue.pop_until(deadline{frys::nanoseconds(budget)}));
  }
}

TEST_CASE("blocking: whose looks were in vain sleeps, and is woken by one read-modify-write and one call") {
  const lap_cost bare = lap_of_ring();
  blocking_ring<frys::wait::spin_then_park> queue;
  A::counts theirs;
  A::until_the_other = A::sleeps = 0;
  A::the_other = [&] { theirs = on(producer, [&] { CHECK(queue.push(1)); }); };
  const A::counts mine = on(consumer, [&] { CHECK(queue.pop()); }) - theirs;
  CHECK(A::sleeps == 1);
  CHECK(mine.pauses < 200);  // and then it was silent
  CHECK(mine.rmws == bare.pop.rmws + 2);
  CHECK(theirs.rmws == bare.push.rmws + 1);
  CHECK(theirs.wakes == 1);
}
