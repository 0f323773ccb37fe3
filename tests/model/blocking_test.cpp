#include <frys/queue/blocking.hpp>

#include "blocks.hpp"
#include "refusing_queue.hpp"

#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/segment_queue.hpp>
#include <frys/queue/spsc_ring.hpp>

namespace {

using namespace blocks;
using queue = frys::blocking<frys::mpmc_ring<element, frys::policy::capacity<1>, with_model>,
                             frys::policy::wait<frys::wait::park>>;

// A sleeper is woken by the value.
void value_wakes() {
  queue q;
  int got = 0;
  model::threads([&] { got = *q.pop(); }, [&] { model::require(static_cast<bool>(q.push(7)), "there is room"); });
  model::require(got == 7, "the value comes out");
}
// Room wakes who waits to push.
void room_wakes() {
  queue q;
  int sum = 0;
  model::threads(
      [&] {
        for (int i = 1; i <= 2; ++i) model::require(static_cast<bool>(q.push(i)), "nobody closes");
      },
      [&] {
        for (int i = 1; i <= 2; ++i) sum += *q.pop();
      });
  model::require(sum == 3, "both come out");
}
// Close comes while a push is under way, and two wait for values: one gets it, both end.
void close_ends_all() {
  queue q;
  int got = 0, accepted = 0;
  const auto consume = [&q](int& mine) {
    return [&q, &mine] {
      for (;;) {
        auto v = q.pop();
        if (v.is_closed()) break;
        mine += *v;
      }
    };
  };
  int first = 0, second = 0;
  auto one = consume(first), two = consume(second);
  model::threads([&] { accepted = q.try_push(5) ? 5 : 0; }, [&] { q.close(); }, one, two);
  got = first + second;
  model::require(got == accepted, "what was accepted comes out, once");
}

// Two push one each, two pop one each: a push that was half way hides the other's value, whose sleeper then looks in
// vain. Both must be woken all the same.
template <class Queue>
void two_of_each() {
  Queue q;
  int got[2] = {};
  model::threads([&] { (void)q.try_push(1); }, [&] { (void)q.try_push(2); }, [&] { got[0] = *q.pop(); },
                 [&] { got[1] = *q.pop(); });
  model::require(got[0] + got[1] == 3, "each gets one");
}
// The same for room: two pop, two wait to push.
void two_wait_for_room() {
  frys::blocking<frys::mpmc_ring<element, frys::policy::capacity<2>, with_model>, frys::policy::wait<frys::wait::park>>
      q;
  for (int i = 0; i < 2; ++i) model::require(static_cast<bool>(q.try_push(1)), "there is room");
  int pushed[2] = {};
  model::threads([&] { model::require(q.try_pop().has_value(), "they are there"); },
                 [&] { model::require(q.try_pop().has_value(), "they are there"); },
                 [&] { pushed[0] = q.push(2) ? 1 : 0; }, [&] { pushed[1] = q.push(3) ? 1 : 0; });
  model::require(pushed[0] + pushed[1] == 2, "both find room");
}
// A consumer that gives up wakes a producer that waits for room.
void abandon_wakes() {
  frys::blocking<frys::spsc_ring<element, frys::policy::capacity<1>, with_model>, frys::policy::wait<frys::wait::park>>
      q;
  model::require(static_cast<bool>(q.try_push(1)), "there is room");
  model::threads([&] { model::require(q.push(2).is_closed(), "nobody takes the first"); }, [&] { q.abandon(); });
}
template <class Queue>
using waits = frys::blocking<Queue, frys::policy::wait<frys::wait::park>>;

// A deadline that has not passed when one looks; the checker's sleeps time out at any moment.
struct standing {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds(0); }
};
constexpr frys::deadline before_long{frys::nanoseconds(1)};

// A push that will be refused is under way while the last value goes and the queue is closed: the consumer is told
// empty, and woken when that push has come to its end.
template <bool Waits>
void refused_push_wakes() {
  frys::blocking<refusing_queue, frys::policy::wait<frys::wait::park>, frys::policy::clock<standing>> q;
  model::require(static_cast<bool>(q.try_push(1)), "there is room");
  int in = 1, out = 0;
  model::threads(
      [&] {
        if constexpr (Waits)
          in += q.push_until(2, before_long) ? 2 : 0;
        else
          in += q.try_push(2) ? 2 : 0;
      },
      [&] {
        if (auto v = q.try_pop()) out += *v;
        q.close();
        while (auto v = q.pop()) out += *v;
      });
  model::require(in == out, "what was accepted comes out, and then closed");
}

TEST_CASE("blocking under the model: a push that is refused wakes who waited for it") {
  holds(&refused_push_wakes<false>);
  holds(&refused_push_wakes<true>);
}
TEST_CASE("blocking under the model: two values that come at once wake two sleepers") {
  holds_at_random(&two_of_each<waits<frys::mpmc_ring<element, frys::policy::capacity<2>, with_model>>>, 400);
  holds_at_random(
      &two_of_each<waits<
          frys::segment_queue<element, frys::policy::capacity<4>, frys::policy::pages<model::pages>, with_model>>>,
      400);
}
TEST_CASE("blocking under the model: room that comes at once wakes two sleepers") {
  holds_at_random(&two_wait_for_room, 400);
}
TEST_CASE("blocking under the model: a consumer that gives up wakes a sleeper") { holds(&abandon_wakes); }
TEST_CASE("blocking under the model: a value wakes a sleeper") { holds(&value_wakes); }
TEST_CASE("blocking under the model: room wakes a sleeper") { holds_at_random(&room_wakes, 500); }
TEST_CASE("blocking under the model: close ends all waits, whatever was under way") {
  holds_at_random(&close_ends_all, 500);
}

}  // namespace
