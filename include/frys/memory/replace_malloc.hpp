// replace_malloc: the program's malloc, free and their kin come from process_heap, for C++ and for C code alike.
//
// Use when  all of a program shall allocate from a frys heap: include it in exactly one translation unit of a program
//           that is linked with glibc, whose shared libraries then use it too.
// Not when  it is a library or a plugin. With AddressSanitizer or ThreadSanitizer, or for another system, this header
//           replaces nothing.
// Threads   any; fork is fine, see process_heap.
// Cost      process_heap's.
// Errors    what C asks: nullptr, and errno is ENOMEM (EINVAL for an alignment that is none).
// frys: never in the single header
#ifndef FRYS_MEMORY_REPLACE_MALLOC_HPP
#define FRYS_MEMORY_REPLACE_MALLOC_HPP

#include "../config.hpp"
#include "process_heap.hpp"

#if FRYS_OS_LINUX
#include <features.h>
#endif

#if FRYS_OS_LINUX && defined(__GLIBC__) && !FRYS_ASAN && !FRYS_TSAN

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace frys::inline FRYS_ABI::detail {

inline void* malloc_block(std::size_t size, std::size_t alignment) noexcept {
  void* const p = process_heap::try_allocate(size, alignment);
  if (p == nullptr) [[unlikely]]
    errno = ENOMEM;
  return p;
}
// memset through a pointer that the compiler does not see through.
inline void zero_block(void* block, std::size_t size) noexcept {
  void* (*volatile set)(void*, int, std::size_t) = &std::memset;
  set(block, 0, size);
}
inline void* malloc_aligned(std::size_t size, std::size_t alignment) noexcept {
  if (!std::has_single_bit(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return malloc_block(size, alignment);
}

}  // namespace frys::inline FRYS_ABI::detail

extern "C" {
void* malloc(std::size_t size) noexcept { return frys::detail::malloc_block(size, 16); }
void free(void* block) noexcept {
  if (block != nullptr) frys::process_heap::deallocate(block);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  if (size != 0 && count > (std::numeric_limits<std::size_t>::max)() / size) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const block = frys::detail::malloc_block(count * size, 16);
  // Not by a memset that the compiler knows: it would make a calloc of it and malloc.
  if (block != nullptr) frys::detail::zero_block(block, count * size);
  return block;
}
void* realloc(void* block, std::size_t size) noexcept {
  if (block == nullptr) return frys::detail::malloc_block(size, 16);
  if (size == 0) {
    frys::process_heap::deallocate(block);
    return nullptr;
  }
  frys::result<void*> other = frys::process_heap::reallocate(block, size);
  if (other) return *other;
  errno = ENOMEM;
  return nullptr;
}
void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  if (size != 0 && count > (std::numeric_limits<std::size_t>::max)() / size) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, count * size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return frys::detail::malloc_aligned(size, alignment);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return frys::detail::malloc_aligned(size, std::bit_ceil(alignment));
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  if (!std::has_single_bit(alignment) || alignment < sizeof(void*)) return EINVAL;
  void* const block = frys::process_heap::try_allocate(size, alignment);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}
void* valloc(std::size_t size) noexcept { return frys::detail::malloc_block(size, frys::page_size); }
void* pvalloc(std::size_t size) noexcept {
  return frys::detail::malloc_block((size + frys::page_size - 1) & ~(frys::page_size - 1), frys::page_size);
}
std::size_t malloc_usable_size(void* block) noexcept {
  return block == nullptr ? 0 : frys::process_heap::usable_size(block);
}
int malloc_trim(std::size_t /*pad*/) noexcept {
  frys::process_heap::collect();
  return 1;
}
}  // extern "C"

#endif  // glibc, no sanitizer

#endif  // FRYS_MEMORY_REPLACE_MALLOC_HPP
