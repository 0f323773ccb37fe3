#include "workload.hpp"

#include <cstdlib>

// Not for processes that share: what the same blocks cost in one.
BENCH_CONTENDER("malloc, one process") {
  return blocks(
      settings, [](std::size_t size) { return std::malloc(size); }, [](void* p, std::size_t) { std::free(p); });
}
