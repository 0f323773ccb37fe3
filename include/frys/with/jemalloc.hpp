// with/jemalloc: jemalloc by its own names (mallocx, sdallocx) as a raw_allocator.
//
// Use when  a program links jemalloc and wants its sized and aligned forms, or as the upstream of frys' own blocks:
//           policy::pages<allocator_pages<jemalloc_allocator>>.
// Threads   any.
// Cost      jemalloc's; a deallocation tells it the size, which saves it a look-up.
// Errors    errc::out_of_memory.
// Needs     jemalloc (Debian: libjemalloc-dev, vcpkg: jemalloc) 5, whose names have no prefix; link it. It replaces the
//           program's malloc too, where it was built to.
//           Include this header, or define FRYS_WITH_JEMALLOC=1 for frys/frys.hpp (CMake: frys::jemalloc).
// frys: real model
#ifndef FRYS_WITH_JEMALLOC_HPP
#define FRYS_WITH_JEMALLOC_HPP

#if !defined(FRYS_WITH_JEMALLOC)
#define FRYS_WITH_JEMALLOC 1
#elif !FRYS_WITH_JEMALLOC
#error "frys/with/jemalloc.hpp: FRYS_WITH_JEMALLOC is 0; set it to 1, or leave this header out"
#endif

#include <jemalloc/jemalloc.h>

#include <bit>
#include <cstddef>

#include "../config.hpp"
#include "../core/result.hpp"
#include "../memory/detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

struct jemalloc_allocator {
  [[nodiscard]] static result<void*> allocate(std::size_t size,
                                              std::size_t alignment = alignof(std::max_align_t)) noexcept {
    return answer(size, alignment, flags(alignment));
  }
  // The same, all zeros; fresh memory of the system is not touched for it.
  [[nodiscard]] static result<void*> allocate_zeroed(std::size_t size,
                                                     std::size_t alignment = alignof(std::max_align_t)) noexcept {
    return answer(size, alignment, flags(alignment) | zeroed);
  }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    if (memory != nullptr) ::sdallocx(memory, size == 0 ? 1 : size, flags(alignment));
  }

 private:
  static constexpr int zeroed = 0x40;  // MALLOCX_ZERO, without its cast
  static constexpr int flags(std::size_t alignment) noexcept { return std::countr_zero(alignment); }  // MALLOCX_ALIGN
  static result<void*> answer(std::size_t size, std::size_t alignment, int how) noexcept {
    FRYS_ASSERT(std::has_single_bit(alignment), "jemalloc_allocator: the alignment is not a power of two");
    if (size > detail::most_bytes || alignment > detail::most_bytes) return detail::allocator_refused(size);
    void* memory = ::mallocx(size == 0 ? 1 : size, how);
    if (memory == nullptr) return detail::allocator_refused(size);
    return memory;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_WITH_JEMALLOC_HPP
