#pragma once
#include "workload.hpp"

#include <frys/sched/fiber.hpp>

namespace frys_side {
template <class Context>
struct pair {
  Context home, flow;
  std::size_t count = 0;
  static void enter(void* argument) {
    auto& p = *static_cast<pair*>(argument);
    for (;;) {
      ++p.count;
      Context::switch_to(p.flow, p.home);
    }
  }
};
template <class Context>
std::size_t rounds(std::size_t n) {
  auto stack = frys::stack_memory::allocate(64 * 1024);
  if (!stack) return 0;
  pair<Context> p;
  p.flow.make(stack->span(), &pair<Context>::enter, &p);
  for (std::size_t i = 0; i < n; ++i) Context::switch_to(p.home, p.flow);
  return p.count;
}
// Two fibers, each yields n times.
template <class Scheduler>
std::size_t yields(std::size_t n) {
  Scheduler fibers;
  std::size_t count = 0;
  const auto body = [&] {
    for (std::size_t i = 0; i < n; ++i) fibers.yield();
    count += n;
  };
  if (!fibers.start(body) || !fibers.start(body)) return 0;
  fibers.run();
  return count / 2;
}
using with_float_control = frys::fiber_scheduler<frys::policy::stack_switch<frys::machine_switch>>;
}  // namespace frys_side
