// link: mimalloc
// The handle is a pointer: no check, and nothing moves.
#include "workload.hpp"

#if __has_include(<mimalloc.h>)
#include <mimalloc.h>

#include <new>

namespace {
struct pool {
  using handle = particle*;
  static handle make(std::uint64_t v) { return new (mi_malloc(sizeof(particle))) particle(v); }
  static void drop(handle h) { mi_free(h); }
  static particle* find(handle h) { return h; }
  static double reserved() { return -1; }
  static std::size_t compact(double&) { return 0; }
  static void trim() { mi_collect(true); }
};
}  // namespace
BENCH_MEASURE("mimalloc", pool)
#else
BENCH_MISSING("mimalloc", "libmimalloc-dev")
#endif
