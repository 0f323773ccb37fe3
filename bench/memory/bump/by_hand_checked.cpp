#include "workload.hpp"

namespace {
// What one writes in an hour: up, as the textbook has it, and told where it ends. It does not grow.
struct region {
  alignas(64) std::byte memory[128 * 1024];
  std::byte* at = memory;
  std::byte* const end = memory + sizeof memory;
  void* take(std::size_t size, std::size_t alignment) {
    const auto p = (reinterpret_cast<std::uintptr_t>(at) + alignment - 1) & ~(alignment - 1);
    if (size > reinterpret_cast<std::uintptr_t>(end) - p) return nullptr;
    at = reinterpret_cast<std::byte*>(p + size);
    return reinterpret_cast<void*>(p);
  }
  void reset() { at = memory; }
};
}  // namespace

BENCH_CONTENDER("by hand, checked") {
  static region r;
  return fill(settings, r);
}
