// policies: models for the slots that queues alone have: how neighbours lie in memory, how often a side tells the
// other.
#ifndef FRYS_QUEUE_POLICIES_HPP
#define FRYS_QUEUE_POLICIES_HPP

#include <bit>
#include <concepts>
#include <cstddef>

#include "../config.hpp"
#include "../core/cache_line.hpp"

namespace frys::inline FRYS_ABI {

// For policy::layout. A model maps the number of a place to its slot: `slot_of<Capacity, SlotSize>(place)`, one to one
// over places 0 .. Capacity - 1 for Capacity a power of two.
namespace layout {

// Neighbours lie side by side: one cache line brings several elements. The faster one for streams.
struct contiguous {
  template <std::size_t Capacity, std::size_t SlotSize>
  static constexpr std::size_t slot_of(std::size_t place) noexcept {
    return place & (Capacity - 1);
  }
};

// Neighbours lie on different cache lines, as far as there are enough of them: two threads that work at neighbours do
// not take each other's line away. The faster one for single messages to and fro.
struct scattered {
  template <std::size_t Capacity, std::size_t SlotSize>
  static constexpr std::size_t slot_of(std::size_t place) noexcept {
    constexpr std::size_t in_line = std::bit_floor(cache_line / (SlotSize < cache_line ? SlotSize : cache_line));
    constexpr std::size_t lines = Capacity / in_line;
    if constexpr (in_line < 2 || lines < 2)
      return place & (Capacity - 1);
    else
      return (place & (lines - 1)) * in_line + (place & (Capacity - 1)) / lines;
  }
};

}  // namespace layout

template <class L>
concept queue_layout = requires {
  { L::template slot_of<8, 8>(std::size_t{3}) } -> std::same_as<std::size_t>;
};

// For policy::publish: when a consumer tells the producer that slots are free.
namespace publish {

// At every pop. A ring with one free slot takes a push.
struct each {
  static constexpr std::size_t portion(std::size_t) noexcept { return 1; }
};
// At every quarter of the capacity, and when the consumer finds the ring empty: fewer cache lines travel. Up to a
// quarter of the slots may be free although a push answers full, until the consumer pops on.
struct lazy {
  static constexpr std::size_t portion(std::size_t capacity) noexcept { return capacity < 4 ? 1 : capacity / 4; }
};

}  // namespace publish

template <class P>
concept publish_rule = requires {
  { P::portion(std::size_t{8}) } -> std::same_as<std::size_t>;
};

namespace policy {

// Of so many takes one begins at a less urgent rank, so that none waits for ever; 0: urgent ones always first. lanes
// and sched's scheduler take it.
struct aging_key {};
template <std::size_t K>
struct aging {
  using key = aging_key;
  static constexpr std::size_t value = K;
};

}  // namespace policy

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_POLICIES_HPP
