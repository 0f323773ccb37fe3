// Checks in several processes: the same counts, the same verdicts.
#include "blocks.hpp"

#include <cstdlib>

#include <frys/sim/model/processes.hpp>

namespace {

using namespace blocks;

constexpr auto relaxed = std::memory_order_relaxed;

// Three threads that write and read three words.
void three_words() {
  A::atomic<int> a{0}, b{0}, c{0};
  const auto by = [&](int k) {
    return [&, k] {
      a.store(k, relaxed);
      static_cast<void>(b.load(relaxed));
      b.store(k, relaxed);
      static_cast<void>(c.load(relaxed));
      c.store(k, relaxed);
    };
  };
  auto first = by(1), second = by(2), third = by(3);
  model::threads(first, second, third);
}
void two_words() {
  A::atomic<int> a{0}, b{0};
  const auto by = [&](int k) {
    return [&, k] {
      a.store(k, relaxed);
      static_cast<void>(b.load(relaxed));
      b.store(k, relaxed);
    };
  };
  auto first = by(1), second = by(2);
  model::threads(first, second);
}
// Store buffering, behind a few choices that make it deep in the tree.
void buffered() {
  A::atomic<int> x{0}, y{0};
  int seen_x = 1, seen_y = 1;
  const std::uint32_t which = model::choose(40);
  model::threads(
      [&] {
        x.store(1, std::memory_order_release);
        seen_y = y.load(std::memory_order_acquire);
      },
      [&] {
        y.store(1, std::memory_order_release);
        seen_x = x.load(std::memory_order_acquire);
      });
  model::require(which != 37 || seen_x + seen_y != 0, "one of them comes first");
}

}  // namespace

TEST_CASE("processes: each execution is made once, whoever makes it") {
  const model::report alone = model::check(model::exhaustive{}, &three_words);
  CHECK(alone.executions > 5'000);
  for (const unsigned count : {2u, 3u}) {
    const model::report r = model::check(model::processes{model::exhaustive{}, count}, &three_words);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(r.complete);
    CHECK(r.executions == alone.executions);
    CHECK(r.blocked == alone.blocked);
  }
  const model::report few = model::check(model::bounded{.preemptions = 5}, &two_words);
  const model::report spread = model::check(model::processes{model::bounded{.preemptions = 5}, 2}, &two_words);
  CHECK(few.executions > 500);
  CHECK(spread.complete);
  CHECK(spread.executions == few.executions);
}

TEST_CASE("processes: the limit holds, and is told") {
  const model::report r = model::check(model::processes{model::exhaustive{.most_executions = 3'000}, 2}, &three_words);
  CHECK(r.passed());
  CHECK_FALSE(r.complete);
  CHECK(r.executions + r.blocked >= 3'000);
  CHECK(r.executions + r.blocked < 6'000);
  const model::report at_once =
      model::check(model::processes{model::exhaustive{.most_executions = 3}, 2}, &three_words);
  CHECK_FALSE(at_once.complete);
  CHECK(at_once.executions + at_once.blocked == 3);
}

TEST_CASE("processes: what one of them finds is shown here") {
  const auto look = [](const model::report& r) {
    INFO(r.text());
    CHECK(r.what == model::fault::requirement);
    CHECK(r.failure == "one of them comes first");
    CHECK(r.steps.size() >= 5);
    const model::report again = model::check(model::replay{r.schedule()}, &buffered);
    CHECK(again.what == model::fault::requirement);
  };
  look(model::check(model::processes{model::exhaustive{}, 2}, &buffered));
  look(model::check(model::processes{model::bounded{.preemptions = 2}, 2}, &buffered));
  look(model::check(model::processes{model::random{.executions = 100'000}, 2}, &buffered));
  look(model::check(model::processes{model::pct{.executions = 100'000}, 2}, &buffered));
}

TEST_CASE("processes: dice are thrown as often as asked for") {
  const model::report r = model::check(model::processes{model::random{.executions = 5'001}, 2}, &two_words);
  CHECK(r.passed());
  CHECK(r.executions == 5'001);
  CHECK(model::check(model::processes{model::random{.executions = 10}}, &two_words).executions == 10);
}

#if FRYS_OS_POSIX
TEST_CASE("processes: one that ends badly is a fault") {
  const auto body = [] {
    A::atomic<int> x{0};
    model::threads([&] { x.store(1, relaxed); },
                   [&] {
                     if (x.load(relaxed) == 1) std::_Exit(3);
                   });
  };
  const model::report r = model::check(model::processes{model::random{}, 2}, body);
  CHECK(r.what == model::fault::misuse);
  CHECK(r.failure == "a process of the check ended with code 3");
}
#endif
