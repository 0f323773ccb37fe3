// The handle is a pointer: no check, and nothing moves.
#include "workload.hpp"

#include <malloc.h>

namespace {
struct pool {
  using handle = particle*;
  static handle make(std::uint64_t v) { return new particle(v); }
  static void drop(handle h) { delete h; }
  static particle* find(handle h) { return h; }
  static double reserved() { return -1; }
  static std::size_t compact(double&) { return 0; }
  static void trim() { ::malloc_trim(0); }
};
}  // namespace

BENCH_MEASURE("malloc", pool)
