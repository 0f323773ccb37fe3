// size_classes: the sizes that a heap's small blocks come in.
//
// Steps     16 bytes up to 128; then eight steps per doubling up to 8 KiB, then four, up to `largest`. What a block is
//           larger than what was asked for is at most 15 bytes, an eighth, or a quarter.
// Alignment each size is a multiple of 16, and of every power of two that its step is a multiple of; powers of two are
//           all there.
#ifndef FRYS_MEMORY_DETAIL_SIZE_CLASSES_HPP
#define FRYS_MEMORY_DETAIL_SIZE_CLASSES_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// `Largest`: a power of two from 8 KiB on.
template <std::size_t Largest>
struct size_classes {
  static_assert(std::has_single_bit(Largest) && Largest >= 8192);
  static constexpr std::size_t largest = Largest;

  // The class of a size from 0 to largest.
  static constexpr unsigned of(std::size_t size) noexcept {
    if (size <= 128) return size == 0 ? 0 : static_cast<unsigned>((size - 1) / 16);
    const unsigned log = static_cast<unsigned>(std::bit_width(size - 1)) - 1;  // 2^log < size <= 2^(log + 1)
    if (log < 13) return 8 + (log - 7) * 8 + static_cast<unsigned>((size - 1) >> (log - 3) & 7);
    return 56 + (log - 13) * 4 + static_cast<unsigned>((size - 1) >> (log - 2) & 3);
  }
  static constexpr unsigned count = of(Largest) + 1;

  // The size of a class's blocks.
  static constexpr std::size_t size(unsigned c) noexcept { return sizes[c]; }

  // The class of a size up to quick_limit, by one load.
  static constexpr std::size_t quick_limit = 1024;
  static constexpr unsigned quick(std::size_t size) noexcept { return quick_classes[(size + 15) / 16]; }
  // The same of a larger one, up to largest: sizes up to 8 KiB are multiples of 128, those above of 2 KiB.
  static constexpr unsigned beyond(std::size_t size) noexcept {
    return size <= 8192 ? beyond_classes[(size + 127) / 128] : beyond_classes[64 + (size + 2047) / 2048];
  }

 private:
  static constexpr std::size_t size_by_rule(unsigned c) noexcept {
    if (c < 8) return (c + std::size_t{1}) * 16;
    const unsigned steps_log = c < 56 ? 3 : 2;
    const unsigned from = c < 56 ? c - 8 : c - 56;
    const unsigned log = (c < 56 ? 7 : 13) + (from >> steps_log);
    const std::size_t step = (from & ((1u << steps_log) - 1)) + std::size_t{1};
    return (std::size_t{1} << log) + (step << (log - steps_log));
  }
  static constexpr std::array<std::uint32_t, count> sizes = [] {
    std::array<std::uint32_t, count> all{};
    for (unsigned c = 0; c < count; ++c) all[c] = static_cast<std::uint32_t>(size_by_rule(c));
    return all;
  }();
  static constexpr std::array<std::uint8_t, quick_limit / 16 + 1> quick_classes = [] {
    std::array<std::uint8_t, quick_limit / 16 + 1> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(of(i * 16));
    return all;
  }();
  static constexpr std::array<std::uint8_t, 65 + Largest / 2048> beyond_classes = [] {
    std::array<std::uint8_t, 65 + Largest / 2048> all{};
    for (std::size_t i = 0; i <= 64; ++i) all[i] = static_cast<std::uint8_t>(of(i * 128));
    for (std::size_t i = 5; i <= Largest / 2048; ++i) all[64 + i] = static_cast<std::uint8_t>(of(i * 2048));
    return all;
  }();
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_SIZE_CLASSES_HPP
