// dependency_order: puts up to 64 things in an order in which each comes after what it needs, or finds a circle.
#ifndef FRYS_SCHED_DETAIL_DEPENDENCY_ORDER_HPP
#define FRYS_SCHED_DETAIL_DEPENDENCY_ORDER_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

struct dependency_order {
  static constexpr std::size_t most = 64;

  std::uint8_t order[most] = {};  // or, where has_circle, the circle: each needs the next, the last one needs the first
  std::size_t count = 0;
  bool has_circle = false;
};

// needs[i]: bit j where i comes after j. Of those that may come next, the one with the lowest number does.
constexpr dependency_order order_of(std::span<const std::uint64_t> needs) noexcept {
  dependency_order out;
  std::uint64_t left = needs.size() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << needs.size()) - 1;
  while (left != 0) {
    std::uint64_t look = left;
    while (look != 0 && (needs[static_cast<std::size_t>(std::countr_zero(look))] & left) != 0) look &= look - 1;
    if (look == 0) break;
    const auto next = static_cast<std::size_t>(std::countr_zero(look));
    out.order[out.count++] = static_cast<std::uint8_t>(next);
    left &= ~(std::uint64_t{1} << next);
  }
  if (left == 0) return out;
  // Each of those left needs another one of them: who goes on from one to the next must come back to one.
  out.has_circle = true;
  std::uint64_t seen = 0;
  std::size_t at = static_cast<std::size_t>(std::countr_zero(left));
  while ((seen >> at & 1) == 0) {
    seen |= std::uint64_t{1} << at;
    at = static_cast<std::size_t>(std::countr_zero(needs[at] & left));
  }
  const std::size_t first = at;
  out.count = 0;
  do {
    out.order[out.count++] = static_cast<std::uint8_t>(at);
    at = static_cast<std::size_t>(std::countr_zero(needs[at] & left));
  } while (at != first);
  return out;
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_DEPENDENCY_ORDER_HPP
