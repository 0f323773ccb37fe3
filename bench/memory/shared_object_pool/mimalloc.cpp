// link: mimalloc
#include "workload.hpp"

#if __has_include(<mimalloc.h>)
#include <mimalloc.h>

#include <new>

namespace {
struct pool {
  struct seat {
    explicit seat(pool&) {}
    particle* make(std::uint64_t v) { return new (mi_malloc(sizeof(particle))) particle(v); }
    void drop(particle* x) { mi_free(x); }
  };
};
}  // namespace
BENCH_MEASURE("mimalloc", pool)
#else
BENCH_MISSING("mimalloc", "libmimalloc-dev")
#endif
