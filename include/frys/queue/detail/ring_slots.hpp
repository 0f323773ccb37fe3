// ring_slots: where the cells of a ring lie: in the object, with a capacity known to the compiler, or in pages of a
// capacity that is known when the program runs.
#ifndef FRYS_QUEUE_DETAIL_RING_SLOTS_HPP
#define FRYS_QUEUE_DETAIL_RING_SLOTS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/error.hpp"
#include "../../core/result.hpp"
#include "../../memory/pages.hpp"
#include "../policies.hpp"

namespace frys::inline FRYS_ABI::detail {

// `N` of them in the object.
template <class Cell, std::size_t N, class Layout = layout::contiguous>
class fixed_slots {
 public:
  static constexpr bool is_dynamic = false;
  // Whether neighbours lie side by side.
  static constexpr bool is_contiguous = std::is_same_v<Layout, layout::contiguous>;

  [[nodiscard]] static constexpr bool exist() noexcept { return true; }
  [[nodiscard]] static constexpr std::size_t count() noexcept { return N; }
  // How often `index` has passed all of them.
  [[nodiscard]] static constexpr std::uint64_t lap_of(std::uint64_t index) noexcept {
    return index >> std::countr_zero(N);
  }
  Cell& operator[](std::uint64_t index) noexcept {
    return cells_[Layout::template slot_of<N, sizeof(Cell)>(static_cast<std::size_t>(index))];
  }

 private:
  alignas(2 * cache_line) Cell cells_[N];
};

// In pages of their own; moves.
template <class Cell, class Pages>
class paged_slots {
  static_assert(alignof(Cell) <= page_size, "frys: the element of a ring in pages must not be aligned beyond a page");

 public:
  static constexpr bool is_dynamic = true;
  static constexpr bool is_contiguous = true;

  // `count` is a power of two.
  static result<paged_slots> make(std::size_t count) noexcept {
    if (!std::has_single_bit(count))
      return error{errc::invalid_argument, domain::queue, "the capacity of a ring is a power of two",
                   static_cast<std::int64_t>(count < most_bytes ? count : most_bytes)};
    if (count > most_bytes / sizeof(Cell)) return pages_refused(most_bytes);
    result<byte_span> memory = Pages::allocate(count * sizeof(Cell));
    if (!memory) return memory.error();
    return paged_slots(*memory, count);
  }
  paged_slots(paged_slots&& other) noexcept
      : cells_(std::exchange(other.cells_, nullptr)),
        mask_(other.mask_),
        shift_(other.shift_),
        memory_(std::exchange(other.memory_, byte_span())) {}
  paged_slots& operator=(paged_slots&&) = delete;
  ~paged_slots() {
    if (cells_ == nullptr) return;
    std::destroy_n(cells_, count());
    Pages::release(memory_);
  }

  // False once it has moved away.
  [[nodiscard]] bool exist() const noexcept { return cells_ != nullptr; }
  [[nodiscard]] std::size_t count() const noexcept { return static_cast<std::size_t>(mask_) + 1; }
  [[nodiscard]] std::uint64_t lap_of(std::uint64_t index) const noexcept { return index >> shift_; }
  Cell& operator[](std::uint64_t index) noexcept {
    FRYS_ASSERT(exist(), "a ring that was moved away is used");
    return cells_[index & mask_];
  }

 private:
  paged_slots(byte_span memory, std::size_t count) noexcept
      : cells_(reinterpret_cast<Cell*>(memory.data())),
        mask_(count - 1),
        shift_(static_cast<unsigned>(std::countr_zero(count))),
        memory_(memory) {
    for (std::size_t i = 0; i < count; ++i) std::construct_at(cells_ + i);
  }

  Cell* cells_;
  std::uint64_t mask_;
  unsigned shift_;
  byte_span memory_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_RING_SLOTS_HPP
