// fallback: several allocators in a row: the first that has memory gives it, and what comes back goes to its owner.
//
// Use when  the usual case has a fast or local place and the rest must still be served: a pool, then an arena, then the
//           system: fallback<block_pool<64>, arena<>, system_allocator>.
// Not when  the size alone decides (a heap has size classes), or nothing may come from the last one: leave it out.
// Threads   as the strictest of its allocators.
// Cost      a test per allocator that refuses; a deallocation asks each before the owner whether it is the one:
//           O(chunks) of an arena, O(log slabs) of a block_pool.
// Errors    the last allocator's, when all have refused.
//
// Each but the last must be an owning_allocator; with one more the chain is one too.
#ifndef FRYS_MEMORY_FALLBACK_HPP
#define FRYS_MEMORY_FALLBACK_HPP

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "allocator_ref.hpp"
#include "detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
template <class... As>
struct all_but_last_own;
template <class Last>
struct all_but_last_own<Last> : std::true_type {};
template <class First, class... Rest>
struct all_but_last_own<First, Rest...>
    : std::bool_constant<owning_allocator<First> && all_but_last_own<Rest...>::value> {};
}  // namespace detail

template <class... As>
class fallback {
  static_assert(sizeof...(As) >= 2, "frys::fallback: name two allocators at least, the first one first");
  static_assert((raw_allocator<As> && ...),
                "frys::fallback<A, B, ...>: each must be a raw_allocator, see core/concepts.hpp");
  static_assert(detail::all_but_last_own<As...>::value,
                "frys::fallback<A, B, ...>: each but the last must tell what it owns (owning_allocator); put one that "
                "cannot at the end");
  static constexpr std::size_t last = sizeof...(As) - 1;

 public:
  fallback() = default;
  // One argument for each: what it is made of, such as an object for an allocator_ref.
  template <class... Args>
  requires(sizeof...(Args) == sizeof...(As) &&
           (std::is_constructible_v<As, Args> && ...)) explicit fallback(Args&&... args)
      : all_(std::forward<Args>(args)...) {}
  fallback(const fallback&) = delete;
  fallback& operator=(const fallback&) = delete;

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    return ask<0>(usable(size), alignment, site);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    give<0>(memory, usable(size), alignment);
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires(owning_allocator<As>&&...) {
    return owner_of(memory) != sizeof...(As);
  }
  // The number of the allocator whose memory it is. The last one's is what nobody before it owns, unless it can tell:
  // then sizeof...(As) says that it is nobody's.
  [[nodiscard]] std::size_t owner_of(const void* memory) const noexcept { return find<0>(memory); }

  template <std::size_t I>
  [[nodiscard]] auto& inner() noexcept {
    return std::get<I>(all_);
  }
  template <std::size_t I>
  [[nodiscard]] const auto& inner() const noexcept {
    return std::get<I>(all_);
  }

 private:
  // A piece of no bytes may lie where its block ends, and then nobody owns it.
  static constexpr std::size_t usable(std::size_t size) noexcept { return size == 0 ? 1 : size; }

  template <std::size_t I>
  result<void*> ask(std::size_t size, std::size_t alignment, const allocation_site& site) noexcept {
    result<void*> memory = detail::allocate_from(std::get<I>(all_), size, alignment, site);
    if constexpr (I != last)
      if (!memory) [[unlikely]]
        return ask<I + 1>(size, alignment, site);
    return memory;
  }
  template <std::size_t I>
  void give(void* memory, std::size_t size, std::size_t alignment) noexcept {
    if constexpr (I != last)
      if (!std::get<I>(all_).owns(memory)) return give<I + 1>(memory, size, alignment);
    std::get<I>(all_).deallocate(memory, size, alignment);
  }
  template <std::size_t I>
  std::size_t find(const void* memory) const noexcept {
    if constexpr (I == sizeof...(As)) {
      return I;
    } else if constexpr (owning_allocator<std::tuple_element_t<I, std::tuple<As...>>>) {
      if (std::get<I>(all_).owns(memory)) return I;
      return find<I + 1>(memory);
    } else {
      return I;
    }
  }

  std::tuple<As...> all_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_FALLBACK_HPP
