// with/mimalloc: mimalloc by its own names (mi_malloc_aligned, mi_free_size_aligned) as a raw_allocator.
//
// Use when  a program links mimalloc and wants its sized and aligned forms, or as the upstream of frys' own blocks:
//           policy::pages<allocator_pages<mimalloc_allocator>>.
// Threads   any.
// Cost      mimalloc's.
// Errors    errc::out_of_memory.
// Needs     mimalloc (Debian: libmimalloc-dev, vcpkg: mimalloc) 2; link it. It replaces the program's malloc too, where
//           it was built to.
//           Include this header, or define FRYS_WITH_MIMALLOC=1 for frys/frys.hpp (CMake: frys::mimalloc).
// frys: real model
#ifndef FRYS_WITH_MIMALLOC_HPP
#define FRYS_WITH_MIMALLOC_HPP

#if !defined(FRYS_WITH_MIMALLOC)
#define FRYS_WITH_MIMALLOC 1
#elif !FRYS_WITH_MIMALLOC
#error "frys/with/mimalloc.hpp: FRYS_WITH_MIMALLOC is 0; set it to 1, or leave this header out"
#endif

#include <mimalloc.h>

#include <bit>
#include <cstddef>

#include "../config.hpp"
#include "../core/result.hpp"
#include "../memory/detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

struct mimalloc_allocator {
  [[nodiscard]] static result<void*> allocate(std::size_t size,
                                              std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (!is_sane(size, alignment)) return detail::allocator_refused(size);
    return answer(size, ::mi_malloc_aligned(at_least_one(size), alignment));
  }
  // The same, all zeros; fresh memory of the system is not touched for it.
  [[nodiscard]] static result<void*> allocate_zeroed(std::size_t size,
                                                     std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (!is_sane(size, alignment)) return detail::allocator_refused(size);
    return answer(size, ::mi_zalloc_aligned(at_least_one(size), alignment));
  }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    ::mi_free_size_aligned(memory, at_least_one(size), alignment);
  }

 private:
  static constexpr std::size_t at_least_one(std::size_t size) noexcept { return size == 0 ? 1 : size; }
  static bool is_sane(std::size_t size, [[maybe_unused]] std::size_t alignment) noexcept {
    FRYS_ASSERT(std::has_single_bit(alignment), "mimalloc_allocator: the alignment is not a power of two");
    return size <= detail::most_bytes - page_size;
  }
  static result<void*> answer(std::size_t size, void* memory) noexcept {
    if (memory == nullptr) return detail::allocator_refused(size);
    return memory;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_WITH_MIMALLOC_HPP
