#include <frys/sched/async_event.hpp>

#include "blocks.hpp"

#include <optional>

#include "../sched/waits.hpp"

namespace {

using namespace blocks;
using tested_event = frys::async_event<with_model>;
using event_stopper = frys::basic_stop_source<with_model>;

waits::stoppable read_behind(tested_event& e, A::var<int>& from, int& into) {
  [[maybe_unused]] const auto so = co_await e.wait();
  into = from.get();
}
waits::stoppable read_unless(event_stopper&, tested_event& e, int& came, int& stopped) {
  [[maybe_unused]] const auto so = co_await e.wait();
  ++(so ? came : stopped);
}

void set_calls_both() {
  tested_event e;
  A::var<int> payload(0);
  int first = 0, second = 0;
  std::optional<waits::stoppable> a, b;
  model::threads([&] { a = read_behind(e, payload, first); }, [&] { b = read_behind(e, payload, second); },
                 [&] {
                   payload.ref() = 7;
                   e.set();
                 });
  model::require(first == 7 && second == 7, "both have come, and see what was done before");
}
// Two set; who sees it set reads what both have done only if both have: so each publishes for itself.
void either_set_publishes() {
  tested_event e;
  A::atomic<int> left{0}, right{0};
  int seen = 0;
  model::threads(
      [&] {
        left.store(1, std::memory_order_relaxed);
        e.set();
      },
      [&] {
        right.store(1, std::memory_order_relaxed);
        e.set();
      },
      [&] {
        if (!e.is_set()) return;
        seen = left.load(std::memory_order_relaxed) + right.load(std::memory_order_relaxed);
        model::require(seen > 0, "one of them was there");
      });
}
// As a bell for a condition: who resets and then looks misses nothing.
void reset_then_look() {
  tested_event e(true);
  A::atomic<int> condition{0};
  int got = 0;
  std::optional<waits::stoppable> a;
  const auto consume = [](tested_event& bell, A::atomic<int>& from, int& into) -> waits::stoppable {
    for (int i = 0; i < 3 && into == 0; ++i) {
      [[maybe_unused]] const auto rung = co_await bell.wait();
      bell.reset();
      into = from.load(std::memory_order_relaxed);
    }
  };
  model::threads([&] { a = consume(e, condition, got); },
                 [&] {
                   condition.store(1, std::memory_order_relaxed);
                   e.set();
                 });
  model::require(a->done() && got == 1, "it is seen");
}
void reset_among_waits() {
  tested_event e;
  A::var<int> payload(5);
  int got = 0;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = read_behind(e, payload, got); }, [&] { e.reset(); }, [&] { e.set(); });
  e.set();
  model::require(got == 5, "it has come");
}
void stop_against_set() {
  tested_event e;
  event_stopper stop;
  int came = 0, stopped = 0;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = read_unless(stop, e, came, stopped); }, [&] { e.set(); },
                 [&] { (void)stop.request_stop(); });
  model::require(came + stopped == 1, "one or the other");
}

TEST_CASE("async_event under the model: set calls all who wait, and publishes") {
  holds_mostly(&set_calls_both, 500);
  holds(&either_set_publishes);
}
TEST_CASE("async_event under the model: a reset misses no set behind it") {
  holds(&reset_then_look);
  holds(&reset_among_waits);
}
TEST_CASE("async_event under the model: a stop or the event, never both") { holds_mostly(&stop_against_set, 500); }

}  // namespace
