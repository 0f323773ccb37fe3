#include "workload.hpp"

#include <frys/memory/concurrent_arena.hpp>

namespace {
struct together {
  using arena = frys::concurrent_arena<>;
  arena a;
  struct thread_part {
    arena::seat seat;
    void* take(std::size_t size, std::size_t alignment) { return *seat.allocate(size, alignment); }
  };
  thread_part part(unsigned) { return {*a.join()}; }
  void reset() { a.reset(); }
};
}  // namespace

BENCH_CONTENDER("frys") {
  static together t;
  return fill_together(settings, t);
}
