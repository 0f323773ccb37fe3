#include <frys/queue/blocking.hpp>

#include "blocks.hpp"

#include <frys/queue/mpmc_ring.hpp>

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

TEST_CASE("blocking under the model: a value wakes a sleeper") { holds(&value_wakes); }
TEST_CASE("blocking under the model: room wakes a sleeper") { holds_at_random(&room_wakes); }
TEST_CASE("blocking under the model: close ends all waits, whatever was under way") {
  holds_at_random(&close_ends_all);
}

}  // namespace
