// What every raw_allocator promises, tried on one.
#ifndef FRYS_TESTS_MEMORY_ALLOCATOR_PROMISES_HPP
#define FRYS_TESTS_MEMORY_ALLOCATOR_PROMISES_HPP

#include <doctest/doctest.h>
#include <frys/core/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace promises {

struct piece {
  unsigned char* at;
  std::size_t size;
  std::size_t alignment;
  unsigned char fill;
};

inline bool whole(const piece& p) {
  for (std::size_t i = 0; i < p.size; ++i)
    if (p.at[i] != p.fill) return false;
  return true;
}

// Pieces of sizes below `most_size` and alignments up to `most_alignment`, taken and given back in a mixed order: each
// is aligned and keeps its bytes, until all are back.
template <class A>
void keeps_what_is_written(A& a, std::size_t most_size = 700, std::size_t most_alignment = 256) {
  static_assert(frys::raw_allocator<A>);
  std::vector<piece> live;
  bool aligned = true, intact = true, owned = true;
  const auto drop = [&](std::size_t i) {
    intact = intact && whole(live[i]);
    a.deallocate(live[i].at, live[i].size, live[i].alignment);
    live[i] = live.back();
    live.pop_back();
  };
  std::uint32_t dice = 12345;
  for (std::size_t i = 0; i < 600; ++i) {
    dice = dice * 1664525u + 1013904223u;
    if (live.size() > 40 || (!live.empty() && dice >> 30 == 0)) drop(dice / 7 % live.size());
    const std::size_t size = (dice >> 8) % most_size;
    std::size_t alignment = std::size_t{1} << (dice >> 20) % 9;
    if (alignment > most_alignment) alignment = most_alignment;
    auto p = a.allocate(size, alignment);
    REQUIRE(p);
    REQUIRE(*p != nullptr);
    aligned = aligned && reinterpret_cast<std::uintptr_t>(*p) % alignment == 0;
    // A piece of size 0 may lie where its block ends.
    if constexpr (frys::owning_allocator<A>) owned = owned && (size == 0 || a.owns(*p));
    std::memset(*p, static_cast<int>(i & 0xff), size);
    live.push_back({static_cast<unsigned char*>(*p), size, alignment, static_cast<unsigned char>(i & 0xff)});
  }
  while (!live.empty()) drop(live.size() / 2);
  CHECK(aligned);
  CHECK(intact);
  CHECK(owned);
}

}  // namespace promises

#endif  // FRYS_TESTS_MEMORY_ALLOCATOR_PROMISES_HPP
