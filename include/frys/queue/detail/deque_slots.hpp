// deque_slots: where a stealing_deque's values lie: one round of slots in the object, or rounds of pages that double.
//
// Indices  grow; index i lies in slot i modulo the round's size. A round is cut into eight blocks (of one slot each in
//          a round of fewer than eight), and each block counts the values that thieves have carried away from it. Every
//          index that thieves pass is carried away once, so the count says whether a block is free for the next lap.
#ifndef FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP
#define FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

inline constexpr unsigned deque_blocks = 8;

// How many values of each block thieves have carried away, in all laps, modulo 2^32.
template <class Atomics>
struct deque_block_counts {
  typename Atomics::template atomic<std::uint32_t> count[deque_blocks] = {};

  // Thief: has finished with `n` slots from `first` on.
  void vacate(std::uint64_t first, std::uint64_t n, std::uint64_t mask, unsigned block_shift) noexcept {
    const std::uint64_t block = std::uint64_t{1} << block_shift;
    while (n != 0) {
      const std::uint64_t here = (std::min)(n, block - (first & (block - 1)));
      // sync(stealing_deque.vacate): release; our moves out of these slots are done before the owner builds over them.
      count[(first & mask) >> block_shift].fetch_add(static_cast<std::uint32_t>(here), std::memory_order_release);
      first += here;
      n -= here;
    }
  }
  // Owner: all that lay in the block of index `at` a lap ago has been carried away.
  [[nodiscard]] bool is_free(std::uint64_t at, std::uint64_t mask, unsigned lap_shift,
                             unsigned block_shift) const noexcept {
    // sync(stealing_deque.vacate): acquire; the old values are gone before we build over them.
    return count[(at & mask) >> block_shift].load(std::memory_order_acquire) ==
           static_cast<std::uint32_t>((at >> lap_shift) << block_shift);
  }
};

// N slots in the object.
template <class T, class Atomics, std::size_t N>
class fixed_deque_slots {
  static constexpr std::uint64_t mask = N - 1;
  static constexpr unsigned lap_shift = static_cast<unsigned>(std::countr_zero(N));
  static constexpr unsigned block_shift = N > deque_blocks ? lap_shift - 3 : 0;

 public:
  static constexpr bool grows = false;
  static constexpr unsigned index_bits = lap_shift + 1;  // tells N values from none
  static constexpr unsigned round_bits = 0;
  static constexpr std::uint64_t first_room = N;

  class round {
   public:
    T& at(std::uint64_t i) noexcept { return slots_[i & mask].value; }
    void vacate(std::uint64_t first, std::uint64_t n) noexcept { counts_.vacate(first, n, mask, block_shift); }
    [[nodiscard]] bool is_free(std::uint64_t i) const noexcept {
      return counts_.is_free(i, mask, lap_shift, block_shift);
    }
    slot<T>* first() noexcept { return slots_; }
    static constexpr std::uint64_t block = std::uint64_t{1} << block_shift;

   private:
    alignas(2 * cache_line) deque_block_counts<Atomics> counts_;
    alignas(2 * cache_line) slot<T> slots_[N];
  };

  T& own(std::uint64_t i) noexcept { return round_.at(i); }
  slot<T>* first() noexcept { return round_.first(); }
  static constexpr std::uint64_t count() noexcept { return N; }
  round& current() noexcept { return round_; }
  round& of(unsigned) noexcept { return round_; }

 private:
  round round_;
};

// Rounds of pages. Those that were outgrown stay until the end, since a thief may still carry a value away: twice the
// memory of the largest, at most.
template <class T, class Atomics, class Pages, std::size_t FirstBytes>
class growing_deque_slots {
 public:
  static constexpr bool grows = true;
  static constexpr unsigned index_bits = 28;
  static constexpr unsigned round_bits = 5;
  static constexpr std::uint64_t first_room = 0;

  // The head of its memory; the slots lie behind it.
  class round {
   public:
    round(byte_span pages, unsigned shift) noexcept
        : memory(pages),
          capacity(std::uint64_t{1} << shift),
          block(std::uint64_t{1} << block_shift_of(shift)),
          lap_shift_(shift),
          block_shift_(block_shift_of(shift)) {}

    T& at(std::uint64_t i) noexcept { return first()[i & (capacity - 1)].value; }
    void vacate(std::uint64_t from, std::uint64_t n) noexcept { counts_.vacate(from, n, capacity - 1, block_shift_); }
    [[nodiscard]] bool is_free(std::uint64_t i) const noexcept {
      return counts_.is_free(i, capacity - 1, lap_shift_, block_shift_);
    }
    slot<T>* first() noexcept {
      return std::launder(reinterpret_cast<slot<T>*>(reinterpret_cast<std::byte*>(this) + header));
    }

    const byte_span memory;
    const std::uint64_t capacity;
    const std::uint64_t block;

   private:
    static constexpr unsigned block_shift_of(unsigned shift) noexcept { return shift > 3 ? shift - 3 : 0; }

    unsigned lap_shift_, block_shift_;
    alignas(cache_line) deque_block_counts<Atomics> counts_;
  };

  growing_deque_slots() = default;
  growing_deque_slots(const growing_deque_slots&) = delete;
  growing_deque_slots& operator=(const growing_deque_slots&) = delete;
  ~growing_deque_slots() {
    for (unsigned i = 0; i < made_; ++i) Pages::release(rounds_[i].get()->memory);
  }

  // Owner only, once there is a round: a value of the current one. By our own copies: its header is one load further.
  T& own(std::uint64_t i) noexcept { return own_slots_[i & own_mask_].value; }
  [[nodiscard]] slot<T>* first() const noexcept { return own_slots_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return own_mask_ + 1; }
  round& current() noexcept { return *current_; }
  [[nodiscard]] bool has_round() const noexcept { return current_ != nullptr; }
  // The number of the current one.
  [[nodiscard]] unsigned number() const noexcept { return made_ - 1; }
  // Any thread that has acquired the number.
  round& of(unsigned number) noexcept { return *rounds_[number].get(); }

  // Owner only. A round of twice the size, or nullptr if that is too large or the source refuses. Not yet in use.
  round* make_larger() noexcept {
    const unsigned shift = first_shift + made_;
    if (shift > most_shift) return nullptr;
    result<byte_span> memory = Pages::allocate(header + (sizeof(slot<T>) << shift));
    if (!memory) return nullptr;
    round* made = std::construct_at(reinterpret_cast<round*>(memory->data()), *memory, shift);
    auto* first = reinterpret_cast<slot<T>*>(memory->data() + header);
    for (std::size_t i = 0; i < made->capacity; ++i) std::construct_at(first + i);  // does nothing, touches nothing
    return made;
  }
  // Owner only. `larger` is the current one from now on.
  void use(round* larger) noexcept {
    rounds_[made_++].ref() = larger;
    current_ = larger;
    own_slots_ = larger->first();
    own_mask_ = larger->capacity - 1;
  }

 private:
  static constexpr std::size_t alignment = (std::max)(alignof(slot<T>), alignof(round));
  static constexpr std::size_t header = (sizeof(round) + alignment - 1) / alignment * alignment;
  static constexpr std::size_t first_count =
      (std::max)(std::size_t{2}, FirstBytes > header ? (FirstBytes - header) / sizeof(slot<T>) : 0);
  static constexpr unsigned first_shift = static_cast<unsigned>(std::bit_width(first_count)) - 1;
  static constexpr unsigned most_shift = index_bits - 1;
  static_assert(most_shift < 1u << round_bits, "each round has a number");
  static_assert(first_shift <= most_shift,
                "frys::stealing_deque: policy::chunk_size is beyond 2^27 values; name a smaller one");

  slot<T>* own_slots_ = nullptr;
  std::uint64_t own_mask_ = 0;
  round* current_ = nullptr;
  unsigned made_ = 0;
  // Written before the word that tells thieves the number; never again.
  alignas(cache_line) typename Atomics::template var<round*> rounds_[most_shift + 1] = {};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP
