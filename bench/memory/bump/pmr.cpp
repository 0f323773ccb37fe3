#include "workload.hpp"

#include <memory_resource>

namespace {
struct region {
  std::byte initial[128 * 1024];  // as large as a round needs, so that it never asks upstream
  std::pmr::monotonic_buffer_resource r{initial, sizeof initial};
  void* take(std::size_t size, std::size_t alignment) { return r.allocate(size, alignment); }
  void reset() { r.release(); }
};
}  // namespace

BENCH_CONTENDER("std::pmr::monotonic") {
  static region r;
  return fill(settings, r);
}
