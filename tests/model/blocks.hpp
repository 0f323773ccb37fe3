// What the tests of our own blocks under the model have in common.
#ifndef FRYS_TESTS_MODEL_BLOCKS_HPP
#define FRYS_TESTS_MODEL_BLOCKS_HPP

#include <doctest/doctest.h>
#include <frys/policy.hpp>
#include <frys/sim/model.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

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

// How many executions: many more where tests/run.sh has hours (--long).
inline std::uint64_t effort(std::uint64_t executions) {
  const char* const long_run = std::getenv("FRYS_LONG");
  return long_run != nullptr && std::string_view(long_run) == "1" ? executions * 20 : executions;
}

// For bodies that are too large even for one preemption anywhere.
inline void holds_at_random(void (*body)(), std::uint64_t executions = 1'500) {
  for (const model::report& r : {model::check(model::pct{.depth = 3, .executions = effort(executions)}, body),
                                 model::check(model::random{.executions = effort(executions)}, body)}) {
    INFO(r.text());
    CHECK(r.passed());
  }
}

// For bodies that are too large for `holds`: all with one preemption, and more at random.
inline void holds_mostly(void (*body)(), std::uint64_t executions = 1'500) {
  const model::report few = model::check(model::bounded{.preemptions = 1}, body);
  INFO(few.text());
  CHECK(few.passed());
  CHECK(few.complete);
  holds_at_random(body, executions);
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
