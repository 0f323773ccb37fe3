#pragma once
#include "workload.hpp"

#include <frys/sched/fiber.hpp>

namespace frys_side {
// From outside of fibers, and run to the end each time.
inline std::uint64_t started(std::size_t n) {
  frys::fiber_scheduler<> fibers;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!fibers.start([&sum, i] { sum += i; })) return 0;
    fibers.run();
  }
  return sum;
}
// Inside a fiber, with a handle that is joined, and an answer.
inline std::uint64_t joined(std::size_t n) {
  frys::fiber_scheduler<> fibers;
  std::uint64_t sum = 0;
  const auto parent = fibers.start([&] {
    for (std::size_t i = 0; i < n; ++i)
      if (auto f = fibers.spawn([i] { return std::uint64_t{i}; })) sum += f->join();
  });
  if (!parent) return 0;
  fibers.run();
  return sum;
}
// The context alone, over a stack that is there.
inline std::uint64_t bare(std::size_t n) {
  frys::stack_pool<> stacks;
  struct adds {
    frys::quick_context home, flow;
    std::uint64_t sum = 0, i = 0;
    static void enter(void* argument) {
      auto& a = *static_cast<adds*>(argument);
      a.sum += a.i;
      frys::quick_context::leave_to(a.home);
    }
  } a;
  for (a.i = 0; a.i < n; ++a.i) {
    const auto stack = stacks.acquire();
    if (!stack) return 0;
    a.flow.make((*stack)->span(), &adds::enter, &a);
    frys::quick_context::switch_to(a.home, a.flow);
    stacks.release(**stack);
  }
  return a.sum;
}
}  // namespace frys_side
