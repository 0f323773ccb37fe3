// os_pages, heap_pages: where blocks get large pieces of memory from. Both are models of page_source
// (core/concepts.hpp).
//
// os_pages    the operating system's own pages (mmap): zeroed when first touched, given back on release. The default.
// heap_pages  the program's heap (operator new): for programs that count or replace it, and for machines without mmap.
// Threads     any.
// Cost        os_pages: a system call each way, and a page fault per page at first touch: for chunks, not for objects.
// Errors      errc::out_of_memory when the source refuses; errc::invalid_argument for size 0.
// frys: real model
#ifndef FRYS_MEMORY_PAGES_HPP
#define FRYS_MEMORY_PAGES_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"

#if FRYS_OS_POSIX
#include <sys/mman.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

// What page sources align to and count in. A machine's pages may be larger; sources round up on their own.
inline constexpr std::size_t page_size = 4096;

namespace detail {

// The size rounded up to a multiple of `unit` (a power of two), or 0 if that does not fit.
constexpr std::size_t round_up(std::size_t size, std::size_t unit) noexcept {
  return size > (std::numeric_limits<std::size_t>::max)() - (unit - 1) ? 0 : (size + unit - 1) & ~(unit - 1);
}

inline constexpr std::size_t most_bytes = static_cast<std::size_t>((std::numeric_limits<std::ptrdiff_t>::max)());

constexpr error pages_refused(std::size_t size) noexcept {
  return {errc::out_of_memory, domain::memory, "the memory source refused the pages",
          static_cast<std::int64_t>(size < most_bytes ? size : most_bytes)};
}

inline constexpr error no_pages_asked{errc::invalid_argument, domain::memory, "zero bytes of pages were asked for", 0};

}  // namespace detail

struct heap_pages {
  // Zeroed, aligned to page_size.
  static result<byte_span> allocate(std::size_t size) noexcept {
    const std::size_t whole = detail::round_up(size, page_size);
    if (size == 0) return detail::no_pages_asked;
    if (whole == 0 || whole > detail::most_bytes) return detail::pages_refused(size);
    void* memory = ::operator new (whole, std::align_val_t{page_size}, std::nothrow);
    if (memory == nullptr) return detail::pages_refused(size);
    std::memset(memory, 0, whole);
    return byte_span(static_cast<std::byte*>(memory), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) ::operator delete (memory.data(), std::align_val_t{page_size});
  }
};

#if FRYS_OS_POSIX
struct os_pages {
  // Zeroed, aligned to the machine's page size, which is at least page_size.
  static result<byte_span> allocate(std::size_t size) noexcept {
    const std::size_t whole = detail::round_up(size, page_size);
    if (size == 0) return detail::no_pages_asked;
    if (whole == 0 || whole > detail::most_bytes) return detail::pages_refused(size);
#if defined(MAP_ANONYMOUS)
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#else
    constexpr int flags = MAP_PRIVATE | MAP_ANON;
#endif
    void* memory = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == reinterpret_cast<void*>(std::intptr_t{-1})) return detail::pages_refused(size);  // MAP_FAILED, uncast
    return byte_span(static_cast<std::byte*>(memory), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) ::munmap(memory.data(), memory.size());
  }
};
#else
// No mmap here: the heap stands in for it.
struct os_pages : heap_pages {};
#endif

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PAGES_HPP
