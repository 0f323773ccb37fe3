#include <frys/sched/async_latch.hpp>

#include "blocks.hpp"

#include <memory>
#include <optional>

#include "../sched/waits.hpp"

namespace {

using namespace blocks;
using tested_latch = frys::async_latch<with_model>;
using latch_stopper = frys::basic_stop_source<with_model>;

struct parts {
  tested_latch latch{2};
  A::var<int> left{0}, right{0};
};
waits::stoppable add_up(parts& p, int& into) {
  [[maybe_unused]] const auto open = co_await p.latch.wait();
  into = p.left.get() + p.right.get();
}
waits::stoppable wait_unless(latch_stopper&, tested_latch& l, int& came, int& stopped) {
  [[maybe_unused]] const auto open = co_await l.wait();
  ++(open ? came : stopped);
}

void two_count() {
  parts p;
  int seen = 0;
  std::optional<waits::stoppable> a;
  model::threads(
      [&] {
        p.left.ref() = 1;
        p.latch.count_down();
      },
      [&] {
        p.right.ref() = 2;
        p.latch.count_down();
      },
      [&] { a = add_up(p, seen); });
  model::require(seen == 3, "what was done before each count is seen");
}
void one_polls() {
  parts p;
  model::threads(
      [&] {
        p.left.ref() = 1;
        p.latch.count_down();
      },
      [&] {
        p.right.ref() = 2;
        p.latch.count_down();
      },
      [&] {
        if (p.latch.try_wait()) model::require(p.left.get() + p.right.get() == 3, "what was done before is seen");
      });
}
void two_wait() {
  parts p;
  int first = 0, second = 0;
  std::optional<waits::stoppable> a, b;
  p.latch.count_down();
  model::threads([&] { a = add_up(p, first); }, [&] { b = add_up(p, second); },
                 [&] {
                   p.left.ref() = 7;
                   p.latch.count_down();
                 });
  model::require(first == 7 && second == 7, "both have come");
}
void waiter_destroys() {
  auto p = std::make_unique<parts>();
  p->latch.count_down();
  std::optional<waits::stoppable> a;
  const auto last = [](std::unique_ptr<parts>& all) -> waits::stoppable {
    { [[maybe_unused]] const auto open = co_await all->latch.wait(); }
    all.reset();
  };
  model::threads([&] { p->latch.count_down(); }, [&] { a = last(p); });
  model::require(p == nullptr, "it was opened");
}
void stop_against_count() {
  tested_latch l(1);
  latch_stopper stop;
  int came = 0, stopped = 0;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = wait_unless(stop, l, came, stopped); }, [&] { l.count_down(); },
                 [&] { (void)stop.request_stop(); });
  model::require(came + stopped == 1 && l.try_wait(), "one or the other, and it is open");
}

TEST_CASE("async_latch under the model: it opens with the last count, and all counts publish") {
  holds_mostly(&two_count, 500);
  holds(&one_polls);
  holds_mostly(&two_wait, 500);
}
TEST_CASE("async_latch under the model: the last one for whom it opened may destroy it") { holds(&waiter_destroys); }
TEST_CASE("async_latch under the model: a stop or the opening, never both") { holds_mostly(&stop_against_count, 500); }

}  // namespace
