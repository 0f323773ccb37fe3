// order: models for policy::order: which of two values comes out of a priority queue first.
//
// A model O has `static std::uint64_t rank(const T&) noexcept`: the value of the least rank comes first. A number, not
// a comparison, because a number can be published: other threads see how urgent a heap is without its lock.
//
// least_first      the least number first: integers, enums, floats      the default
// greatest_first   the greatest number first
// by<&T::member>   the least member first; by_greatest<&T::member> the greatest
#ifndef FRYS_QUEUE_ORDER_HPP
#define FRYS_QUEUE_ORDER_HPP

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct order_key {};  // value_order (queue/order.hpp)
template <class O>
struct order {
  using key = order_key;
  using type = O;
};
}  // namespace policy

namespace order {

// A number as one without sign that is ordered the same, in the upper bits. Floats: NaNs with the sign bit come before
// all, the others after all.
template <class N>
requires(std::is_arithmetic_v<N> && sizeof(N) <= 8) constexpr std::uint64_t rank_of(N number) noexcept {
  constexpr unsigned shift = 64 - 8 * sizeof(N);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  if constexpr (std::floating_point<N>) {
    using bits = std::conditional_t<sizeof(N) == 8, std::uint64_t, std::uint32_t>;
    const std::uint64_t b = std::uint64_t{std::bit_cast<bits>(number)} << shift;
    return (b & sign) != 0 ? ~b : b | sign;
  } else if constexpr (std::is_signed_v<N>) {
    return (static_cast<std::uint64_t>(number) << shift) ^ sign;
  } else {
    return static_cast<std::uint64_t>(number) << shift;
  }
}
template <class E>
requires std::is_enum_v<E>
constexpr std::uint64_t rank_of(E number) noexcept { return rank_of(static_cast<std::underlying_type_t<E>>(number)); }

struct least_first {
  template <class T>
  requires requires(const T& value) { order::rank_of(value); }
  static constexpr std::uint64_t rank(const T& value) noexcept { return order::rank_of(value); }
};
struct greatest_first {
  template <class T>
  requires requires(const T& value) { order::rank_of(value); }
  static constexpr std::uint64_t rank(const T& value) noexcept { return ~order::rank_of(value); }
};
template <auto Member>
struct by {
  template <class T>
  requires requires(const T& value) { order::rank_of(value.*Member); }
  static constexpr std::uint64_t rank(const T& value) noexcept { return order::rank_of(value.*Member); }
};
template <auto Member>
struct by_greatest {
  template <class T>
  requires requires(const T& value) { order::rank_of(value.*Member); }
  static constexpr std::uint64_t rank(const T& value) noexcept { return ~order::rank_of(value.*Member); }
};

}  // namespace order

// A model for policy::order of T.
template <class O, class T>
concept value_order = requires(const T& value) {
  { O::rank(value) }
  noexcept->std::same_as<std::uint64_t>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_ORDER_HPP
