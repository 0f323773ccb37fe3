#include "workload.hpp"

#include <frys/memory/arena.hpp>

namespace {
struct region {
  frys::arena<> a;
  void* take(std::size_t size, std::size_t alignment) { return *a.allocate(size, alignment); }
  void reset() { a.reset(); }
};
}  // namespace

BENCH_CONTENDER("frys") {
  static region r;
  return fill(settings, r);
}
