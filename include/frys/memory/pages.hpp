// os_pages, heap_pages: where blocks get large pieces of memory from. Both are models of region_source
// (core/concepts.hpp), which is a page_source that also aligns to more than a page and forgets what lies in a page.
//
// os_pages    the operating system's own pages (mmap): zeroed when first touched, given back on release. The default.
// heap_pages  the program's heap (operator new): for programs that count or replace it, and for machines without mmap.
// Threads     any.
// Cost        os_pages: a system call each way, and a page fault per page at first touch: for chunks, not for objects.
//             An alignment beyond a page: one to four system calls. discard: one (madvise); heap_pages: nothing, and
//             the memory stays.
// Errors      errc::out_of_memory when the source refuses; errc::invalid_argument for size 0, and for an alignment that
//             is no power of two.
// frys: real model
#ifndef FRYS_MEMORY_PAGES_HPP
#define FRYS_MEMORY_PAGES_HPP

#include <bit>
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
#include <unistd.h>

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

inline constexpr error no_alignment_asked{errc::invalid_argument, domain::memory,
                                          "the alignment of the pages is no power of two", 0};

// The whole of an allocation of `size` bytes, or why there can be none.
inline result<std::size_t> whole_pages(std::size_t size, std::size_t alignment) noexcept {
  const std::size_t whole = round_up(size, page_size);
  if (size == 0) return no_pages_asked;
  if (!std::has_single_bit(alignment)) return no_alignment_asked;
  if (whole == 0 || alignment > most_bytes / 4 || whole > most_bytes - 2 * alignment) return pages_refused(size);
  return whole;
}

}  // namespace detail

struct heap_pages {
  // Zeroed, aligned to page_size.
  static result<byte_span> allocate(std::size_t size) noexcept { return allocate(size, page_size); }
  // The same, aligned to `alignment`.
  static result<byte_span> allocate(std::size_t size, std::size_t alignment) noexcept {
    const result<std::size_t> whole = detail::whole_pages(size, alignment);
    if (!whole) return whole.error();
    // operator delete wants the alignment that operator new got, and release does not know it. So the heap is always
    // asked for the same one; where what it answered begins stands behind the pages.
    const std::size_t extra = alignment > page_size ? alignment - page_size : 0;
    void* memory = ::operator new (*whole + extra + sizeof(void*), std::align_val_t{page_size}, std::nothrow);
    if (memory == nullptr) return detail::pages_refused(size);
    std::byte* const first = static_cast<std::byte*>(memory) +
                             (-reinterpret_cast<std::uintptr_t>(memory) & (extra != 0 ? alignment - 1 : 0));
    std::memset(first, 0, *whole);
    std::memcpy(first + *whole, &memory, sizeof memory);
    return byte_span(first, *whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() == nullptr) return;
    void* begin = nullptr;
    std::memcpy(&begin, memory.data() + memory.size(), sizeof begin);
    ::operator delete (begin, std::align_val_t{page_size});
  }
  // Nothing: the heap has no such call. The bytes stay as they are.
  static void discard(byte_span /*memory*/) noexcept {}
};

#if FRYS_OS_POSIX
struct os_pages {
  // Zeroed, aligned to the machine's page size, which is at least page_size.
  static result<byte_span> allocate(std::size_t size) noexcept { return allocate(size, page_size); }
  // The same, aligned to `alignment`.
  static result<byte_span> allocate(std::size_t size, std::size_t alignment) noexcept {
    const result<std::size_t> whole = detail::whole_pages(size, alignment);
    if (!whole) return whole.error();
    // The system places mappings side by side: after one that is aligned, the next of such a size is too.
    std::byte* const there = map(*whole);
    if (there == nullptr) return detail::pages_refused(size);
    if (misplaced(there, alignment) == 0) return byte_span(there, *whole);
    ::munmap(there, *whole);
    // Else more than is needed, of which both ends go back. Parts of the machine's pages cannot, so count in those.
    const std::size_t unit = machine_page();
    const std::size_t kept = detail::round_up(*whole, unit);
    std::byte* const wide = map(kept + alignment);
    if (wide == nullptr) return detail::pages_refused(size);
    const std::size_t front = misplaced(wide, alignment);
    if (front != 0) ::munmap(wide, front);
    if (front != alignment) ::munmap(wide + front + kept, alignment - front);
    return byte_span(wide + front, *whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) ::munmap(memory.data(), memory.size());
  }
  // The whole pages inside `memory` go back to the machine and, on Linux, read as zeros.
  static void discard(byte_span memory) noexcept {
    const std::size_t unit = machine_page();
    const std::size_t front = misplaced(memory.data(), unit);
    if (memory.size() < front + unit) return;
    ::madvise(memory.data() + front, (memory.size() - front) & ~(unit - 1), MADV_DONTNEED);
  }

 private:
  // How far the next multiple of `alignment` is.
  static std::size_t misplaced(const std::byte* p, std::size_t alignment) noexcept {
    return static_cast<std::size_t>(-reinterpret_cast<std::uintptr_t>(p) & (alignment - 1));
  }
  static std::size_t machine_page() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  static std::byte* map(std::size_t size) noexcept {
#if defined(MAP_ANONYMOUS)
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#else
    constexpr int flags = MAP_PRIVATE | MAP_ANON;
#endif
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    // MAP_FAILED, uncast
    return memory == reinterpret_cast<void*>(std::intptr_t{-1}) ? nullptr : static_cast<std::byte*>(memory);
  }
};
#else
// No mmap here: the heap stands in for it.
struct os_pages : heap_pages {};
#endif

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PAGES_HPP
