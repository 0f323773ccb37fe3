#include "workload.hpp"

#include <memory_resource>
#include <mutex>

namespace {
struct together {
  std::byte initial[2 * 1024 * 1024];  // as large as a round needs, so that it never asks upstream
  std::pmr::monotonic_buffer_resource r{initial, sizeof initial};
  std::mutex m;
  struct thread_part {
    together& all;
    void* take(std::size_t size, std::size_t alignment) {
      const std::lock_guard lock(all.m);
      return all.r.allocate(size, alignment);
    }
  };
  thread_part part(unsigned) { return {*this}; }
  void reset() { r.release(); }
};
}  // namespace

BENCH_CONTENDER("std::pmr::monotonic, mutex") {
  static together t;
  return fill_together(settings, t);
}
