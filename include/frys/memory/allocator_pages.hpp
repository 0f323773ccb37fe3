// allocator_pages, pages_of: any allocator as the page source of arenas, pools and queues: malloc, jemalloc or mimalloc
// as the upstream of any block that takes policy::pages.
//
// allocator_pages<A>  a stateless A: allocator_pages<system_allocator>, allocator_pages<jemalloc_allocator>
// pages_of<Object>    an allocator that is a global object: pages_of<the_heap>, also a wrapper of one
//
// Use when  a program's memory shall all come from one malloc, be limited by one number, or be tracked in one place.
// Not when  chunks are large and live long: os_pages gives them back to the system at once, and needs no zeroing.
// Threads   as the allocator; most blocks ask their page source from any thread.
// Cost      the allocator's, and zeroing, unless it has allocate_zeroed(size, alignment).
// Errors    the allocator's; errc::invalid_argument for size 0.
#ifndef FRYS_MEMORY_ALLOCATOR_PAGES_HPP
#define FRYS_MEMORY_ALLOCATOR_PAGES_HPP

#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "detail/wrapped.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
template <class A>
result<byte_span> pages_from(A& a, std::size_t size) noexcept {
  const std::size_t whole = round_up(size, page_size);
  if (size == 0) return no_pages_asked;
  if (whole == 0 || whole > most_bytes) return pages_refused(size);
  result<void*> memory = [&] {
    if constexpr (requires { a.allocate_zeroed(whole, page_size); })
      return a.allocate_zeroed(whole, page_size);
    else
      return a.allocate(whole, page_size);
  }();
  if (!memory) return memory.error();
  if constexpr (!requires { a.allocate_zeroed(whole, page_size); }) std::memset(*memory, 0, whole);
  return byte_span(static_cast<std::byte*>(*memory), whole);
}
}  // namespace detail

template <class A>
struct allocator_pages {
  static_assert(raw_allocator<A> && std::is_empty_v<A> && std::default_initializable<A>,
                "frys::allocator_pages<A>: A must be a raw_allocator without state; for an object take pages_of");

  // Zeroed, aligned to page_size.
  static result<byte_span> allocate(std::size_t size) noexcept {
    A a{};
    return detail::pages_from(a, size);
  }
  static void release(byte_span memory) noexcept {
    A a{};
    if (memory.data() != nullptr) a.deallocate(memory.data(), memory.size(), page_size);
  }
};

// `Object` must outlive all that takes pages of it.
template <auto& Object>
struct pages_of {
  static_assert(raw_allocator<std::remove_reference_t<decltype(Object)>>,
                "frys::pages_of<Object>: Object must be a raw_allocator, see core/concepts.hpp");

  // Zeroed, aligned to page_size.
  static result<byte_span> allocate(std::size_t size) noexcept { return detail::pages_from(Object, size); }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) Object.deallocate(memory.data(), memory.size(), page_size);
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ALLOCATOR_PAGES_HPP
