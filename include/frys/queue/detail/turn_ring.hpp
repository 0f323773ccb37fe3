// turn_ring: the body of mpmc_ring: two indices, and in each cell a turn that says whose move it is.
//
// Turn     the turns' type. It may wrap: a cell's turn is at most two moves from what anybody who has the current index
//          expects, and the compare-exchange on the index refuses all others.
// See      ../mpmc_ring.hpp, which derives from this.
#ifndef FRYS_QUEUE_DETAIL_TURN_RING_HPP
#define FRYS_QUEUE_DETAIL_TURN_RING_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "../result.hpp"
#include "../stats.hpp"
#include "lost_race.hpp"
#include "ring_slots.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

// Even turns: free for the push of lap turn/2. Odd: holds that lap's value.
template <class T, class Atomics, class Turn>
struct turn_cell {
  typename Atomics::template atomic<Turn> turn{0};
  detail::slot<T> slot;
};

template <class T, class Slots, class Atomics, class Turn = std::uint32_t, class Stats = stats::none>
class turn_ring {
  using side = typename Stats::template side<Atomics, false>;

 public:
  using value_type = T;

  turn_ring() requires(!Slots::is_dynamic) = default;
  explicit turn_ring(Slots&& cells) noexcept requires(Slots::is_dynamic) : slots_(std::move(cells)) {}
  // While no thread uses `other`, which is good for nothing afterwards.
  turn_ring(turn_ring&& other) noexcept requires(Slots::is_dynamic)
      : tail_(other.tail_.load(std::memory_order_relaxed)),      // relaxed, all: nobody else uses it
        head_(other.head_.load(std::memory_order_relaxed)),      // relaxed: as above
        closed_(other.closed_.load(std::memory_order_relaxed)),  // relaxed: as above
        slots_(std::move(other.slots_)) {}
  turn_ring& operator=(const turn_ring&) = delete;
  ~turn_ring() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (!slots_.exist()) return;
      while (try_pop()) {
      }
    }
  }

  // Any thread. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Any thread. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (lost_race<Atomics> race;;) {
      if ((at & closed_bit) != 0) [[unlikely]]
        return told_closed(push_result::closed);
      cell& c = slots_[at];
      const Turn mine = turn_of(at);
      // sync(mpmc_ring.vacate): acquire; the old value is gone before we build over it. With relaxed our constructor's
      // writes could land ahead of the last consumer's reads.
      if (c.turn.load(std::memory_order_acquire) == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          fill(c, mine, std::forward<Args>(args)...);
          return push_result::ok;
        }
      } else if (!moved(tail_, at)) {
        pushes_.refused();
        return push_result::full;  // the slot still holds the value of a lap ago
      }
      pushes_.lost_race();
      race.rest();
      at = tail_.load(std::memory_order_relaxed);  // relaxed: as the first guess
    }
  }

  // Any thread. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full or
  // closed. They take their places at once: no other thread's value comes between them.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (values.empty()) return 0;
    std::uint64_t at = tail_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slots' turns decide
    for (lost_race<Atomics> race;;) {
      if ((at & closed_bit) != 0) [[unlikely]]
        return told_closed(std::size_t{0});
      const std::size_t most = (std::min)(values.size(), slots_.count());
      std::size_t count = 0;
      // sync(mpmc_ring.vacate): acquire, as for one.
      while (count < most && slots_[at + count].turn.load(std::memory_order_acquire) == turn_of(at + count)) ++count;
      if (count != 0) {
        // relaxed, both: the places carry no data, the turns do.
        if (tail_.compare_exchange_weak(at, at + count, std::memory_order_relaxed, std::memory_order_relaxed)) {
          for (std::size_t i = 0; i < count; ++i) fill(slots_[at + i], turn_of(at + i), std::move(values[i]));
          return count;
        }
      } else if (!moved(tail_, at)) {
        pushes_.refused();
        return 0;
      }
      pushes_.lost_race();
      race.rest();
      at = tail_.load(std::memory_order_relaxed);  // relaxed: as the first guess
    }
  }

  // Any thread. Empty also while the push of the oldest value is under way.
  pop_result<T> try_pop() noexcept {
    std::uint64_t at = head_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (lost_race<Atomics> race;;) {
      cell& c = slots_[at];
      const Turn mine = full_of(at);
      // sync(mpmc_ring.publish): acquire; with relaxed we could read the slot before its value was written.
      if (c.turn.load(std::memory_order_acquire) == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          pop_result<T> out(std::in_place, std::move(c.slot.value));
          vacate(c, mine);
          return out;
        }
      } else if (!moved(head_, at)) {
        pops_.refused();
        return why_no_value(at);
      }
      pops_.lost_race();
      race.rest();
      at = head_.load(std::memory_order_relaxed);  // relaxed: as the first guess
    }
  }

  // Any thread. Moves up to out.size() values to `out`, in order, and answers how many: 0 when there is none. They are
  // neighbours: no other thread gets one from between them.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    if (out.empty()) return 0;
    std::uint64_t at = head_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slots' turns decide
    for (lost_race<Atomics> race;;) {
      const std::size_t most = (std::min)(out.size(), slots_.count());
      std::size_t count = 0;
      // sync(mpmc_ring.publish): acquire, as for one.
      while (count < most && slots_[at + count].turn.load(std::memory_order_acquire) == full_of(at + count)) ++count;
      if (count != 0) {
        // relaxed, both: the places carry no data, the turns do.
        if (head_.compare_exchange_weak(at, at + count, std::memory_order_relaxed, std::memory_order_relaxed)) {
          for (std::size_t i = 0; i < count; ++i) {
            cell& c = slots_[at + i];
            out[i] = std::move(c.slot.value);
            vacate(c, full_of(at + i));
          }
          return count;
        }
      } else if (!moved(head_, at)) {
        pops_.refused();
        return 0;
      }
      pops_.lost_race();
      race.rest();
      at = head_.load(std::memory_order_relaxed);  // relaxed: as the first guess
    }
  }

  // Any thread; again is harmless. Freezes the tail: a push has its place already, or will not get one.
  void close() noexcept {
    // sync(mpmc_ring.close): release; who learns of it sees what the closer did before.
    tail_.fetch_or(closed_bit, std::memory_order_release);
    closed_.store(1, std::memory_order_relaxed);  // relaxed: only where to look
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return (tail_.load(std::memory_order_acquire) & closed_bit) != 0;  // sync(mpmc_ring.close): acquire
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order: the tail may be an older one than the head, and then behind it.
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed) & ~closed_bit;
    return tail < head ? 0 : static_cast<std::size_t>((std::min)(tail - head, std::uint64_t{slots_.count()}));
  }
  // Any thread. With a policy::stats that counts, see ../stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
    queue_statistics out;
    // relaxed, both: numbers, not an order
    out.pushes = tail_.load(std::memory_order_relaxed) & ~closed_bit, out.pops = head_.load(std::memory_order_relaxed);
    out.full = pushes_.refusals(), out.empty = pops_.refusals();
    out.lost_push_races = pushes_.lost_races(), out.lost_pop_races = pops_.lost_races();
    return out;
  }
  // How many values it holds at most.
  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_.count(); }

 private:
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  using cell = turn_cell<T, Atomics, Turn>;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  // The turn of the cell of index `at`: while it is free for that push, and while it holds the value.
  Turn turn_of(std::uint64_t at) const noexcept { return static_cast<Turn>(slots_.lap_of(at) * 2); }
  Turn full_of(std::uint64_t at) const noexcept { return static_cast<Turn>(turn_of(at) + 1); }
  static bool moved(const atomic<std::uint64_t>& index, std::uint64_t at) noexcept {
    return index.load(std::memory_order_relaxed) != at;  // relaxed: as the first guess
  }

  template <class... Args>
  static void fill(cell& c, Turn mine, Args&&... args) noexcept {
    std::construct_at(&c.slot.value, std::forward<Args>(args)...);
    // sync(mpmc_ring.publish): release; the value is whole before a consumer can have it.
    c.turn.store(static_cast<Turn>(mine + 1), std::memory_order_release);
  }
  static void vacate(cell& c, Turn mine) noexcept {
    std::destroy_at(&c.slot.value);
    // sync(mpmc_ring.vacate): release; we are done with the slot before a producer can build over it.
    c.turn.store(static_cast<Turn>(mine + 1), std::memory_order_release);
  }
  template <class Answer>
  Answer told_closed(Answer answer) const noexcept {
    // sync(mpmc_ring.close): acquire; with the bit the tail is final: this reads what the closer wrote.
    (void)tail_.load(std::memory_order_acquire);
    return answer;
  }
  // A look at the tail takes its line away from the producers; a flag that hardly ever changes does not.
  pop_status why_no_value(std::uint64_t at) const noexcept {
    // relaxed: only where to look next.
    if (closed_.load(std::memory_order_relaxed) == 0) [[likely]]
      return pop_status::empty;
    // With closed_bit the tail is final, and equal to our place: no value can be in front of us. An older tail is
    // without it. sync(mpmc_ring.close): acquire; what was done before close.
    return tail_.load(std::memory_order_acquire) == (at | closed_bit) ? pop_status::closed : pop_status::empty;
  }

  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  alignas(2 * cache_line) atomic<std::uint64_t> head_{0};
  alignas(2 * cache_line) atomic<std::uint8_t> closed_{0};
  [[no_unique_address]] side pushes_;
  [[no_unique_address]] side pops_;
  Slots slots_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_TURN_RING_HPP
