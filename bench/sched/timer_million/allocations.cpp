// Counts what the program allocates.
#include "workload.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {
std::size_t count = 0, bytes = 0;
}
namespace bench {
std::size_t allocations() { return count; }
std::size_t allocated_bytes() { return bytes; }
}  // namespace bench

void* operator new(std::size_t n) {
  void* const p = std::malloc(n);
  if (p == nullptr) std::abort();
  ++count;
  bytes += malloc_usable_size(p);
  return p;
}
void operator delete(void* p) noexcept {
  if (p != nullptr) bytes -= malloc_usable_size(p);
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
