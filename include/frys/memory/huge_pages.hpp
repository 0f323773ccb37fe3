// transparent_pages, hugetlb_pages: page sources for memory in pages of 2 MiB: one entry of the processor's table of
// addresses instead of 512, and one page fault. Both are models of region_source and tell what they got.
//
// transparent_pages  ordinary memory, aligned to 2 MiB, for which the kernel is asked to use huge pages (madvise). It
//                    does so where it has one free, at first touch or later; nobody has to prepare the machine.
// hugetlb_pages      huge pages that the machine's owner has set aside (MAP_HUGETLB, vm.nr_hugepages); where there is
//                    none left, as transparent_pages.
// ordinary pages     what both answer to less than 2 MiB, and where the kernel knows no huge pages.
//
// Use when  some MiB are read at random: an index, a large arena, the memory of a heap.
// Not when  little of the memory is ever touched: a huge page is committed as a whole.
// Threads   any.
// Cost      as os_pages, and a system call more. From 2 MiB on sizes are rounded up to whole huge pages.
// Told      take() answers of what kind the memory is; granted(kind) sums the bytes of each kind since the program
//           began. `transparent` means that the kernel agreed to try; /proc/self/smaps (AnonHugePages) has the rest.
// Errors    errc::out_of_memory when the system refuses ordinary pages too; errc::invalid_argument as os_pages.
// Systems   Linux; elsewhere both are os_pages.
// frys: real model
#ifndef FRYS_MEMORY_HUGE_PAGES_HPP
#define FRYS_MEMORY_HUGE_PAGES_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "pages.hpp"

#if FRYS_OS_LINUX
#include <sys/mman.h>
#endif

namespace frys::inline FRYS_ABI {

inline constexpr std::size_t huge_page_size = std::size_t{2} << 20;

enum class page_kind : std::uint8_t {
  ordinary,
  transparent,  // the kernel was asked to use huge pages, and agreed to
  hugetlb,      // huge pages, all of it
};

// Memory, and what it is made of.
struct page_region {
  byte_span memory;
  page_kind kind = page_kind::ordinary;
};

// What huge pages need of the system; a test puts another in its place.
struct huge_page_calls {
  // As os_pages.
  static result<byte_span> map(std::size_t size, std::size_t alignment) noexcept {
    return os_pages::allocate(size, alignment);
  }
  // `size` bytes of huge pages, aligned to one, or nullptr.
  static std::byte* map_hugetlb([[maybe_unused]] std::size_t size) noexcept {
#if FRYS_OS_LINUX && defined(MAP_HUGETLB)
    constexpr int two_mebi = 21 << 26;  // MAP_HUGE_2MB, which older headers lack
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | two_mebi, -1, 0);
    if (memory != reinterpret_cast<void*>(std::intptr_t{-1})) return static_cast<std::byte*>(memory);
#endif
    return nullptr;
  }
  // Asks for huge pages behind `memory`; false where the kernel knows none.
  static bool advise_huge([[maybe_unused]] byte_span memory) noexcept {
#if FRYS_OS_LINUX && defined(MADV_HUGEPAGE)
    return ::madvise(memory.data(), memory.size(), MADV_HUGEPAGE) == 0;
#else
    return false;
#endif
  }
  static void discard(byte_span memory) noexcept { os_pages::discard(memory); }
  static void unmap(byte_span memory) noexcept { os_pages::release(memory); }
};

namespace detail {

template <bool SetAside, class Calls>
struct huge_pages {
  // As allocate, with the kind of memory.
  static result<page_region> take(std::size_t size, std::size_t alignment = page_size) noexcept {
    const result<std::size_t> whole = whole_pages(size, alignment);
    if (!whole) return whole.error();
    page_region r;
    const std::size_t huge = *whole < huge_page_size ? 0 : round_up(*whole, huge_page_size);
    if (huge != 0 && SetAside) {
      if (std::byte* const first = Calls::map_hugetlb(huge); first != nullptr) {
        if ((reinterpret_cast<std::uintptr_t>(first) & (alignment - 1)) == 0) {
          r = {byte_span(first, huge), page_kind::hugetlb};
          return counted(r);
        }
        Calls::unmap(byte_span(first, huge));  // too few of them to take more and trim
      }
    }
    const result<byte_span> memory =
        huge != 0 ? Calls::map(huge, (std::max)(alignment, huge_page_size)) : Calls::map(*whole, alignment);
    if (!memory) return memory.error();
    r.memory = *memory;
    if (huge != 0 && Calls::advise_huge(*memory)) r.kind = page_kind::transparent;
    return counted(r);
  }
  // Zeroed, aligned to page_size, and from 2 MiB on to 2 MiB.
  static result<byte_span> allocate(std::size_t size) noexcept { return allocate(size, page_size); }
  // The same, aligned to `alignment`.
  static result<byte_span> allocate(std::size_t size, std::size_t alignment) noexcept {
    const result<page_region> r = take(size, alignment);
    if (!r) return r.error();
    return r->memory;
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) Calls::unmap(memory);
  }
  // Whole huge pages only: half of one would break it up, or is refused.
  static void discard(byte_span memory) noexcept {
    const std::size_t front =
        static_cast<std::size_t>(-reinterpret_cast<std::uintptr_t>(memory.data())) & (huge_page_size - 1);
    if (memory.size() < front + huge_page_size) return;
    Calls::discard(memory.subspan(front, (memory.size() - front) & ~(huge_page_size - 1)));
  }
  // Bytes of this kind that were ever answered.
  [[nodiscard]] static std::size_t granted(page_kind kind) noexcept {
    // relaxed: a sum for people.
    return granted_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

 private:
  static page_region counted(const page_region& r) noexcept {
    // relaxed: see granted.
    granted_[static_cast<std::size_t>(r.kind)].fetch_add(r.memory.size(), std::memory_order_relaxed);
    return r;
  }
  inline static std::atomic<std::size_t> granted_[3]{};
};

}  // namespace detail

template <class Calls = huge_page_calls>
struct basic_transparent_pages : detail::huge_pages<false, Calls> {};
template <class Calls = huge_page_calls>
struct basic_hugetlb_pages : detail::huge_pages<true, Calls> {};

using transparent_pages = basic_transparent_pages<>;
using hugetlb_pages = basic_hugetlb_pages<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_HUGE_PAGES_HPP
