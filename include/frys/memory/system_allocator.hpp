// system_allocator: the C library's malloc, aligned_alloc and free as a raw_allocator.
//
// Use when  a chain of allocators needs its last one, or wrappers (tracked, hardened) shall watch the program's heap.
//           A program that links another malloc gets that one.
// Not when  `new` would do, or a general heap is wanted for its speed (process_heap).
// Threads   any.
// Cost      malloc's; no state, no bytes.
// Errors    errc::out_of_memory.
// frys: real model
#ifndef FRYS_MEMORY_SYSTEM_ALLOCATOR_HPP
#define FRYS_MEMORY_SYSTEM_ALLOCATOR_HPP

#include <bit>
#include <cstddef>
#include <cstdlib>

#include "../config.hpp"
#include "../core/result.hpp"
#include "detail/wrapped.hpp"
#include "pages.hpp"

#if FRYS_OS_WINDOWS
#include <malloc.h>
#endif

namespace frys::inline FRYS_ABI {

struct system_allocator {
  [[nodiscard]] static result<void*> allocate(std::size_t size,
                                              std::size_t alignment = alignof(std::max_align_t)) noexcept {
    FRYS_ASSERT(std::has_single_bit(alignment), "system_allocator::allocate: the alignment is not a power of two");
    // A malloc may align a block no further than its size asks for.
    const std::size_t whole =
        detail::round_up(size < alignment ? alignment : size, is_usual(alignment) ? 1 : alignment);
    if (whole == 0 || whole > detail::most_bytes) return detail::allocator_refused(size);
#if FRYS_OS_WINDOWS
    void* memory = is_usual(alignment) ? std::malloc(whole) : ::_aligned_malloc(whole, alignment);
#else
    void* memory = is_usual(alignment) ? std::malloc(whole) : std::aligned_alloc(alignment, whole);
#endif
    if (memory == nullptr) return detail::allocator_refused(size);
    return memory;
  }
  static void deallocate(void* memory, std::size_t /*size*/, [[maybe_unused]] std::size_t alignment) noexcept {
#if FRYS_OS_WINDOWS
    if (!is_usual(alignment)) return ::_aligned_free(memory);
#endif
    std::free(memory);
  }

 private:
  static constexpr bool is_usual(std::size_t alignment) noexcept { return alignment <= alignof(std::max_align_t); }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SYSTEM_ALLOCATOR_HPP
