// What the tests of our own blocks under the model have in common.
#ifndef FRYS_TESTS_MODEL_BLOCKS_HPP
#define FRYS_TESTS_MODEL_BLOCKS_HPP

#include <doctest/doctest.h>
#include <frys/policy.hpp>
#include <frys/sim/model.hpp>

#include <array>
#include <cstddef>

namespace blocks {

namespace model = frys::sim::model;
using A = frys::atomics::model;
using element = model::value<int>;
using with_model = frys::policy::atomics<A>;

constexpr model::exhaustive all{};
constexpr model::random some{.executions = 2000};

// No execution of `body` fails: each one that can be told apart, and some at random, which know nothing of what the
// exhaustive explorer leaves out.
inline void holds(void (*body)()) {
  const model::report every = model::check(all, body);
  INFO(every.text());
  CHECK(every.passed());
  CHECK(every.complete);
  const model::report any = model::check(some, body);
  INFO(any.text());
  CHECK(any.passed());
}

// For bodies that are too large for that: all with one preemption, and more at random.
inline void holds_mostly(void (*body)()) {
  const model::report few = model::check(model::bounded{.preemptions = 1}, body);
  INFO(few.text());
  CHECK(few.passed());
  CHECK(few.complete);
  const model::report deep = model::check(model::pct{.depth = 3, .executions = 5'000}, body);
  INFO(deep.text());
  CHECK(deep.passed());
  const model::report any = model::check(model::random{.executions = 5'000}, body);
  INFO(any.text());
  CHECK(any.passed());
}

// What came out of a queue, in order.
template <std::size_t Most>
struct output {
  std::array<int, Most> values{};
  std::size_t count = 0;

  void add(int v) {
    model::require(count < Most, "no more comes out than went in");
    values[count++] = v;
  }
  // How often `v` stands here.
  [[nodiscard]] int times(int v) const {
    int n = 0;
    for (std::size_t i = 0; i < count; ++i) n += values[i] == v ? 1 : 0;
    return n;
  }
  // The values of [first, last] stand in rising order.
  [[nodiscard]] bool rising(int first, int last) const {
    int before = first - 1;
    for (std::size_t i = 0; i < count; ++i) {
      if (values[i] < first || values[i] > last) continue;
      if (values[i] <= before) return false;
      before = values[i];
    }
    return true;
  }
};

}  // namespace blocks

#endif  // FRYS_TESTS_MODEL_BLOCKS_HPP
