// Faults of every kind that sequentially consistent memory shows, each with its cure: the fault is found within so many
// seeds, the cured program passes them all.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include <frys/sim/run.hpp>

namespace {

namespace sim = frys::sim;
using bug_word = sim::atomics::atomic<std::uint32_t>;
template <class T>
using bug_var = sim::atomics::var<T>;
constexpr auto for_ever = frys::deadline::never();

// The fault within `seeds` seeds, the cure through all of them. Body<true> is cured.
template <template <bool> class Body>
void planted(sim::verdict expected, std::uint64_t seeds) {
  sim::run_options o;
  o.most_steps = 100'000;
  const auto cured = sim::explore_seeds(
      0, seeds, [] { Body<true>()(); }, o);
  CHECK_MESSAGE(cured.ok(), cured.text());
  const auto found = sim::explore_seeds(
      0, seeds, [] { Body<false>()(); }, o);
  INFO("after ", found.runs, " seeds: ", found.text());
  CHECK(found.failure.what == expected);
  CHECK(found.failure.repeats);
  // The seed alone says it all, and so does the schedule.
  const auto again = sim::run(
      found.failure.seed, [] { Body<false>()(); }, o);
  CHECK(again.what == expected);
  CHECK(again.hash == found.failure.hash);
  const auto replayed = sim::replay(
      found.failure.schedule, [] { Body<false>()(); }, o);
  CHECK(replayed.what == expected);
  CHECK(replayed.hash == found.failure.hash);
}

// A lock as it should be: 0 free, 1 held, 2 held and somebody sleeps.
struct futex_lock {
  bug_word state{0};
  void lock() {
    std::uint32_t zero = 0;
    if (state.compare_exchange_strong(zero, 1)) return;
    while (state.exchange(2) != 0) (void)sim::atomics::wait(state, 2, for_ever);
  }
  void unlock() {
    if (state.exchange(0) == 2) sim::atomics::notify_one(state);
  }
};

// What others do between a look and the sleep wakes nobody.
template <bool Cured>
struct check_then_sleep {
  void operator()() const {
    bug_word rung{0};
    sim::thread sleeper("sleeper", [&] {
      while (rung.load() == 0) (void)sim::atomics::wait(rung, Cured ? 0u : rung.load(), for_ever);
    });
    rung.store(1);
    sim::atomics::notify_one(rung);
  }
};

// It looks at the sleepers' flag before it frees the lock, not with it.
template <bool Cured>
struct lost_unlock {
  void operator()() const {
    bug_word state{0};
    const auto work = [&] {
      for (int i = 0; i < 2; ++i) {
        std::uint32_t zero = 0;
        if (!state.compare_exchange_strong(zero, 1))
          while (state.exchange(2) != 0) (void)sim::atomics::wait(state, 2, for_ever);
        if (Cured) {
          if (state.exchange(0) == 2) sim::atomics::notify_one(state);
        } else {
          const bool sleeps = state.load() == 2;
          state.store(0);
          if (sleeps) sim::atomics::notify_one(state);
        }
      }
    };
    sim::thread a("a", work), b("b", work);
  }
};

// Who gave up waiting unlocks what it never had.
template <bool Cured>
struct double_unlock {
  void operator()() const {
    futex_lock lock;
    bug_word inside{0};
    const auto work = [&] {
      for (int i = 0; i < 3; ++i) {
        std::uint32_t zero = 0;
        const bool has_it = lock.state.compare_exchange_strong(zero, 1);
        if (has_it) {
          sim::require(inside.fetch_add(1) == 0, "one at a time");
          inside.fetch_sub(1);
        }
        if (has_it || !Cured) lock.unlock();
      }
    };
    sim::thread a("a", work), b("b", work);
    work();
  }
};

// A + 1 in two steps.
template <bool Cured>
struct lost_update {
  void operator()() const {
    bug_var<int> count(0);
    futex_lock lock;
    const auto add = [&] {
      for (int i = 0; i < 3; ++i) {
        if (Cured) lock.lock();
        count.ref() = count.get() + 1;
        if (Cured) lock.unlock();
      }
    };
    sim::thread a("a", add), b("b", add);
    a.join(), b.join();
    sim::require(count.get() == 6, "all are counted");
  }
};

// A stack whose nodes come back while somebody still holds their address.
template <bool Cured>
struct aba {
  void operator()() const {
    struct node {
      std::uint32_t next = 0;  // index + 1
    } nodes[3];
    sim::atomics::atomic<std::uint64_t> top{0};  // a counter above, index + 1 below
    const auto counted = [](std::uint64_t before, std::uint32_t to) {
      return (Cured ? ((before >> 32) + 1) << 32 : 0) | to;
    };
    const auto push = [&](std::uint32_t i) {
      std::uint64_t t = top.load();
      do nodes[i].next = static_cast<std::uint32_t>(t);
      while (!top.compare_exchange_weak(t, counted(t, i + 1)));
    };
    const auto pop = [&]() -> std::optional<std::uint32_t> {
      std::uint64_t t = top.load();
      for (;;) {
        if (static_cast<std::uint32_t>(t) == 0) return {};
        const std::uint32_t i = static_cast<std::uint32_t>(t) - 1;
        const std::uint32_t next = nodes[i].next;
        if (top.compare_exchange_weak(t, counted(t, next))) return i;
      }
    };
    bug_word owners[3];
    for (std::uint32_t i = 0; i < 3; ++i) push(i);
    const auto work = [&] {
      for (int n = 0; n < 4; ++n) {
        const auto first = pop(), second = pop();
        for (const auto& i : {first, second})
          if (i) sim::require(owners[*i].fetch_add(1) == 0, "a node has one owner");
        for (const auto& i : {first, second})  // the top one comes back before the one below it
          if (i) {
            owners[*i].fetch_sub(1);
            push(*i);
          }
      }
    };
    sim::thread a("a", work), b("b", work);
  }
};

// Each takes its left one first.
template <bool Cured>
struct philosophers {
  void operator()() const {
    futex_lock forks[3];
    const auto dine = [&](int seat) {
      int left = seat, right = (seat + 1) % 3;
      if (Cured && left > right) std::swap(left, right);
      for (int i = 0; i < 2; ++i) {
        forks[left].lock();
        forks[right].lock();
        forks[right].unlock();
        forks[left].unlock();
      }
    };
    sim::thread a("a", [&] { dine(0); }), b("b", [&] { dine(1); });
    dine(2);
  }
};

// One word for two conditions: notify_one wakes the wrong one.
template <bool Cured>
struct wrong_sleeper {
  void operator()() const {
    bug_word full{0}, turns{0};
    const auto until = [&](std::uint32_t wanted) {
      for (;;) {
        const std::uint32_t t = turns.load();
        std::uint32_t other = 1 - wanted;
        if (full.compare_exchange_strong(other, wanted)) break;
        (void)sim::atomics::wait(turns, t, for_ever);
      }
      turns.fetch_add(1);
      if (Cured)
        sim::atomics::notify_all(turns);
      else
        sim::atomics::notify_one(turns);
    };
    const auto put = [&] {
      for (int i = 0; i < 3; ++i) until(1);
    };
    const auto take = [&] {
      for (int i = 0; i < 3; ++i) until(0);
    };
    sim::thread a("put", put), b("put", put), c("take", take), d("take", take);
  }
};

// A sleep that ends for no reason is taken for the reason.
template <bool Cured>
struct trusts_the_wake {
  void operator()() const {
    bug_word ready{0};
    sim::thread waiter("waiter", [&] {
      if (ready.load() == 0) (void)sim::atomics::wait(ready, 0, for_ever);
      while (Cured && ready.load() == 0) (void)sim::atomics::wait(ready, 0, for_ever);
      sim::require(ready.load() == 1, "it was told");
    });
    ready.store(1);
    sim::atomics::notify_one(ready);
  }
};

// A weak exchange that failed is taken for a lost race.
template <bool Cured>
struct trusts_weak {
  void operator()() const {
    bug_word leader{0};
    const auto elect = [&](std::uint32_t me) {
      std::uint32_t nobody = 0;
      if (Cured)
        (void)leader.compare_exchange_strong(nobody, me);
      else
        (void)leader.compare_exchange_weak(nobody, me);
      sim::require(leader.load() != 0, "there is a leader");
    };
    sim::thread a("a", [&] { elect(1); });
    elect(2);
  }
};

// Stops without telling those who sleep.
template <bool Cured>
struct quiet_stop {
  void operator()() const {
    bug_word work{0}, stop{0};
    const auto serve = [&] {
      for (;;) {
        const std::uint32_t w = work.load();
        if (stop.load() != 0) return;
        (void)sim::atomics::wait(work, w, for_ever);
      }
    };
    sim::thread a("a", serve), b("b", serve);
    stop.store(1);
    if (Cured) work.fetch_add(1);  // else who has looked and not slept yet misses it
    sim::atomics::notify_all(work);
  }
};

// Looks at a word that a deadline has taken away: the answer that comes at the last moment is lost.
template <bool Cured>
struct late_answer {
  void operator()() const {
    bug_word answer{0};
    bool taken = false;
    sim::thread asker("asker", [&] {
      const auto until = frys::deadline::after<sim::clock>(std::chrono::milliseconds(5));
      bool in_time = true;
      while (in_time && answer.load() == 0) in_time = sim::atomics::wait(answer, 0, until);
      if (Cured) {
        std::uint32_t one = 1;
        taken = answer.compare_exchange_strong(one, 2) || !answer.compare_exchange_strong(one = 0, 3);
      } else {
        taken = in_time;
      }
    });
    sim::sleep_for(std::chrono::milliseconds(5));
    std::uint32_t none = 0;
    const bool given = answer.compare_exchange_strong(none, 1);
    sim::atomics::notify_one(answer);
    asker.join();
    sim::require(given == taken, "what was given was taken");
  }
};

#if FRYS_EXCEPTIONS
// A worker that its tasks can end.
template <bool Cured>
struct thrown_through {
  static void work(void* argument) noexcept {
    auto& tasks = *static_cast<bug_word*>(argument);
    while (tasks.fetch_sub(1) != 0) {
      if (Cured) {
        try {
          task(tasks.load());
        } catch (const std::exception&) {
        }
      } else {
        task(tasks.load());
      }
    }
  }
  static void task(std::uint32_t left) {
    if (left == 1) throw std::runtime_error("the last but one");
  }
  void operator()() const {
    bug_word tasks{3};
    auto t = sim::threads::start({}, &work, &tasks);
    t->join();
  }
};
#endif

}  // namespace

TEST_CASE("sim::run finds: what comes between a look and the sleep") {
  planted<check_then_sleep>(sim::verdict::deadlock, 300);
}
TEST_CASE("sim::run finds: an unlock that misses a sleeper") { planted<lost_unlock>(sim::verdict::deadlock, 1000); }
TEST_CASE("sim::run finds: a second unlock") { planted<double_unlock>(sim::verdict::requirement, 300); }
TEST_CASE("sim::run finds: an update in two steps") { planted<lost_update>(sim::verdict::requirement, 100); }
TEST_CASE("sim::run finds: ABA") { planted<aba>(sim::verdict::requirement, 2000); }
TEST_CASE("sim::run finds: locks in a circle") { planted<philosophers>(sim::verdict::deadlock, 300); }
TEST_CASE("sim::run finds: the wrong one is woken") { planted<wrong_sleeper>(sim::verdict::deadlock, 1000); }
TEST_CASE("sim::run finds: a wake-up that means nothing") { planted<trusts_the_wake>(sim::verdict::requirement, 300); }
TEST_CASE("sim::run finds: a weak exchange that failed for no reason") {
  planted<trusts_weak>(sim::verdict::requirement, 300);
}
TEST_CASE("sim::run finds: a stop that nobody hears") { planted<quiet_stop>(sim::verdict::deadlock, 1000); }
TEST_CASE("sim::run finds: an answer at the last moment") { planted<late_answer>(sim::verdict::requirement, 300); }
#if FRYS_EXCEPTIONS
TEST_CASE("sim::run finds: an exception that ends a worker") { planted<thrown_through>(sim::verdict::terminated, 10); }
#endif
