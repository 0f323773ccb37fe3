// wrapped: what the allocators that wrap another one have in common.
#ifndef FRYS_MEMORY_DETAIL_WRAPPED_HPP
#define FRYS_MEMORY_DETAIL_WRAPPED_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/concepts.hpp"
#include "../../core/result.hpp"
#include "../pages.hpp"

namespace frys::inline FRYS_ABI::detail {

constexpr error allocator_refused(std::size_t size) noexcept {
  return {errc::out_of_memory, domain::memory, "the allocator refused the memory",
          static_cast<std::int64_t>(size < most_bytes ? size : most_bytes)};
}

// An A can be made of these, and they are not just another Self.
template <class Self, class A, class... Args>
concept wraps_from = std::is_constructible_v<A, Args...> &&
    !(sizeof...(Args) == 1 && (std::is_same_v<std::remove_cvref_t<Args>, Self> && ...));

// Holds the inner allocator by value.
template <class A>
class wrapped {
 public:
  using inner_type = A;

  wrapped(const wrapped&) = delete;
  wrapped& operator=(const wrapped&) = delete;

  // The allocator inside: to look at it; memory taken from it directly must go back to it directly.
  [[nodiscard]] A& inner() noexcept { return inner_; }
  [[nodiscard]] const A& inner() const noexcept { return inner_; }

 protected:
  wrapped() requires std::is_default_constructible_v<A> : inner_() {}
  template <class... Args>
  explicit wrapped(std::in_place_t, Args&&... args) : inner_(std::forward<Args>(args)...) {}
  ~wrapped() = default;

  [[no_unique_address]] A inner_;
};

// Asks `inner`, and tells it for whom where it wants to know.
template <class A, class Site>
result<void*> allocate_from(A& inner, std::size_t size, std::size_t alignment,
                            [[maybe_unused]] const Site& site) noexcept {
  if constexpr (requires { inner.allocate(size, alignment, site); })
    return inner.allocate(size, alignment, site);
  else
    return inner.allocate(size, alignment);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_WRAPPED_HPP
