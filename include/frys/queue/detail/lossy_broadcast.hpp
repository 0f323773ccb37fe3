// lossy_broadcast: the broadcast_ring whose producer waits for nobody. See broadcast_ring.hpp.
#ifndef FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP
#define FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../result.hpp"
#include "atomic_words.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics>
class lossy_broadcast {
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  using words = atomic_words<T, Atomics>;
  using copy = typename words::copy;
  static constexpr std::uint64_t mask = Capacity - 1;

 public:
  lossy_broadcast() = default;
  lossy_broadcast(const lossy_broadcast&) = delete;
  lossy_broadcast& operator=(const lossy_broadcast&) = delete;

  // Producer only. Ok, or closed; never full.
  push_result try_push(const T& value) noexcept {
    if (closing_) [[unlikely]]
      return push_result::closed;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    write(tail, value);
    tail_.store(tail + 1, std::memory_order_relaxed);  // relaxed: where new readers start; the slots carry the values
    return push_result::ok;
  }
  // Producer only. All of `values`, first to last, and answers how many: 0 when closed.
  std::size_t push_some(std::span<const T> values) noexcept {
    if (closing_) return 0;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    for (std::size_t i = 0; i < values.size(); ++i) write(tail + i, values[i]);
    tail_.store(tail + values.size(), std::memory_order_relaxed);  // relaxed: as above
    return values.size();
  }

  // Producer only. No more pushes; the readers get what is left.
  void close() noexcept {
    closing_ = 1;
    // sync(broadcast_ring.close): release; a reader that sees it sees our last push too.
    closed_.store(1, std::memory_order_release);
  }

  // Any thread. How many values the producer has written.
  [[nodiscard]] std::uint64_t pushed() const noexcept {
    return tail_.load(std::memory_order_relaxed);  // relaxed: a number, not an order
  }

  // How far a reader is. Without a pointer, so that it may lie where several processes see it.
  class place {
   public:
    explicit place(std::uint64_t next = 0) noexcept : next_(next) {}

    // The next value that is still there. Those that were overwritten before we came are passed over and counted.
    pop_result<T> try_pop(const lossy_broadcast& ring) noexcept {
      copy c;
      for (;;) {
        const std::uint64_t turn = look(ring, c);
        if (turn == turn_of(next_)) [[likely]] {
          ++next_;
          return pop_result<T>(std::in_place, words::value(c));
        }
        if (turn < turn_of(next_) || !catch_up(turn)) return why_no_value(ring);
      }
    }
    // Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none. Ends early where
    // values were lost, so that those of one call have no gap between them.
    [[nodiscard]] std::size_t pop_some(const lossy_broadcast& ring,
                                       std::span<T> out) noexcept requires std::is_move_assignable_v<T> {
      copy c;
      for (std::size_t count = 0; count < out.size();) {
        const std::uint64_t turn = look(ring, c);
        if (turn == turn_of(next_)) [[likely]] {
          ++next_;
          out[count++] = words::value(c);
        } else if (turn < turn_of(next_) || count != 0 || !catch_up(turn)) {
          return count;
        }
      }
      return out.size();
    }
    // How many values were overwritten before this reader came to them, since it began.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }
    // The number of the next value, counted from the producer's first.
    [[nodiscard]] std::uint64_t position() const noexcept { return next_; }
    // True if the producer has closed and nothing is left to read.
    [[nodiscard]] bool is_drained(const lossy_broadcast& ring) const noexcept {
      return is_behind(ring) && why_no_value(ring) == pop_status::closed;
    }

   private:
    // Copies what stands in our slot and answers its turn: turn_of(next_) if the copy is our value.
    std::uint64_t look(const lossy_broadcast& ring, copy& into) const noexcept {
      const cell& c = ring.cells_[next_ & mask];
      // sync(broadcast_ring.write): acquire; the words are at least as new as the turn.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn != turn_of(next_)) return turn;
      c.value.load(into);
      // sync(broadcast_ring.overwrite): acquire fence; if a word was of a later value, the look below finds that
      // value's odd turn.
      Atomics::fence(std::memory_order_acquire);
      return c.turn.load(std::memory_order_relaxed);  // relaxed: the fence above orders it
    }
    // The newest value begun has our slot; the oldest that may be read stands a lap before it. Leaves a quarter of the
    // ring between us and the producer, so that we are not overtaken again at once. False: that would not be forward,
    // so another process has written nonsense.
    bool catch_up(std::uint64_t turn) noexcept {
      const std::uint64_t newest = (turn - 1) / 2;
      constexpr std::uint64_t keep = Capacity - Capacity / 4;
      const std::uint64_t to = newest + 1 - keep;
      if (to <= next_) [[unlikely]]
        return false;
      missed_ += to - next_;
      next_ = to;
      return true;
    }
    // The producer has not come to our slot.
    bool is_behind(const lossy_broadcast& ring) const noexcept {
      // relaxed: only a number here.
      return ring.cells_[next_ & mask].turn.load(std::memory_order_relaxed) < turn_of(next_);
    }
    FRYS_NOINLINE pop_status why_no_value(const lossy_broadcast& ring) const noexcept {
      // sync(broadcast_ring.close): acquire; then the turn that we look at next is as new as the last push.
      if (!ring.closed_.load(std::memory_order_acquire)) return pop_status::empty;
      // A push may have come between the look and the close; the next try_pop takes it.
      return is_behind(ring) ? pop_status::closed : pop_status::empty;
    }

    std::uint64_t next_;
    std::uint64_t missed_ = 0;
  };

  // A place in the stream; the ring knows nothing of it. One thread at a time; copy it to read the same again.
  class reader_handle {
   public:
    // The next value that is still there. Those that were overwritten before we came are passed over and counted.
    pop_result<T> try_pop() noexcept { return place_.try_pop(*ring_); }
    // Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none. Ends early where
    // values were lost, so that those of one call have no gap between them.
    [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_move_assignable_v<T> {
      return place_.pop_some(*ring_, out);
    }
    // How many values were overwritten before this reader came to them, since it began.
    [[nodiscard]] std::uint64_t missed() const noexcept { return place_.missed(); }
    // The number of the next value, counted from the producer's first.
    [[nodiscard]] std::uint64_t position() const noexcept { return place_.position(); }
    // True if the producer has closed and nothing is left to read.
    [[nodiscard]] bool is_drained() const noexcept { return place_.is_drained(*ring_); }

   private:
    friend lossy_broadcast;
    reader_handle(const lossy_broadcast& ring, std::uint64_t next) noexcept : ring_(&ring), place_(next) {}

    const lossy_broadcast* ring_;
    place place_;
  };

  // Any thread. A reader that begins with the next push.
  [[nodiscard]] reader_handle subscribe() const noexcept {
    return {*this, pushed()};  // a place to begin; the slots carry the values
  }
  // Any thread. A reader that begins with the oldest value that is left.
  [[nodiscard]] reader_handle subscribe_oldest() const noexcept {
    const std::uint64_t tail = pushed();
    return {*this, tail - (std::min)(tail, std::uint64_t{Capacity})};
  }

 private:
  // A seqlock whose sequence is the number of its value: 2n + 1 while value n is written, 2n + 2 while it is there.
  struct cell {
    atomic<std::uint64_t> turn{0};
    words value;
  };
  static constexpr std::uint64_t turn_of(std::uint64_t index) noexcept { return index * 2 + 2; }

  void write(std::uint64_t index, const T& value) noexcept {
    cell& c = cells_[index & mask];
    c.turn.store(turn_of(index) - 1, std::memory_order_relaxed);  // relaxed: the fence orders it
    // sync(broadcast_ring.overwrite): release fence; who sees one of our words sees the odd turn.
    Atomics::fence(std::memory_order_release);
    c.value.store(value);
    // sync(broadcast_ring.write): release; the words are there before the turn says so.
    c.turn.store(turn_of(index), std::memory_order_release);
  }

  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  std::uint8_t closing_ = 0;  // the producer's own copy of closed_. No bool: another process may write any byte
  atomic<std::uint8_t> closed_{0};
  alignas(2 * cache_line) cell cells_[Capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP
