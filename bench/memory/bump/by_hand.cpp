#include "workload.hpp"

namespace {
// What one writes in a minute: no growth, no check.
struct region {
  alignas(64) std::byte memory[128 * 1024];
  std::byte* at = memory;
  void* take(std::size_t size, std::size_t alignment) {
    at = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(at) + alignment - 1) & ~(alignment - 1));
    void* p = at;
    at += size;
    return p;
  }
  void reset() { at = memory; }
};
}  // namespace

BENCH_CONTENDER("by hand, unchecked") {
  static region r;
  return fill(settings, r);
}
