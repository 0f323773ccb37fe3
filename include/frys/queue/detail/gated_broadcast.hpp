// gated_broadcast: the broadcast_ring whose producer waits for its readers. See broadcast_ring.hpp.
#ifndef FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP
#define FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../result.hpp"
#include "../stats.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Graph, class Stats = stats::none>
class gated_broadcast {
  using side = typename Stats::template side<Atomics, true>;
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr std::uint64_t mask = Capacity - 1;
  static constexpr std::uint64_t gone = ~std::uint64_t{0};  // the next value of a reader that has left

  // Sequences only grow and do not wrap: 2^64 values. What a side works with lies in a line of its own, and what it
  // shows to the others in another: who looks takes that line away, and only a store, which waits in a buffer, ever has
  // to get it back, never a load. Lines two apart, because cores fetch them in pairs.
  struct place {
    alignas(2 * cache_line) std::uint64_t own = 0;  // the next value to read
    std::uint64_t limit_seen = 0;                   // as far as those before us were when we looked
    [[no_unique_address]] side told{};
    alignas(2 * cache_line) atomic<std::uint64_t> next{0};  // `own`, shown
  };
  struct alignas(2 * cache_line) producer_part {
    std::uint64_t tail = 0;
    std::uint64_t gate_seen = 0;  // as far as the last readers were when we looked
    bool closing = false;         // our own copy of closed_
    [[no_unique_address]] side told{};
  };

 public:
  gated_broadcast() = default;
  gated_broadcast(const gated_broadcast&) = delete;
  gated_broadcast& operator=(const gated_broadcast&) = delete;
  ~gated_broadcast() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      const std::uint64_t tail = producer_.tail;
      for (std::uint64_t i = tail - (std::min)(tail, std::uint64_t{Capacity}); i != tail; ++i) std::destroy_at(&at(i));
    }
  }

  // Producer only. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Producer only. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    const std::uint64_t tail = producer_.tail;
    if (tail - producer_.gate_seen == Capacity) [[unlikely]] {
      if (!look_for_room(tail)) return why_no_room();
    }
    if (producer_.closing) [[unlikely]]
      return push_result::closed;
    build(tail, std::forward<Args>(args)...);
    publish(tail + 1);
    return push_result::ok;
  }

  // Producer only. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full
  // or closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (producer_.closing) return 0;
    const std::uint64_t tail = producer_.tail;
    const std::size_t count = (std::min)(values.size(), room(tail, values.size()));
    for (std::size_t i = 0; i < count; ++i) build(tail + i, std::move(values[i]));
    publish(tail + count);
    found_room(values.size(), count);
    return count;
  }

  // Producer only. Free slots in one piece, at most `most`, to be written and committed; empty when full or closed. A
  // ring's piece ends where its memory does: ask again.
  [[nodiscard]] std::span<T> writable(std::size_t most = Capacity) noexcept requires std::is_trivial_v<T> {
    if (producer_.closing) return {};
    const std::uint64_t tail = producer_.tail;
    const std::size_t in_piece = (std::min)(most, Capacity - static_cast<std::size_t>(tail & mask));
    const std::span<T> out{&at(tail), (std::min)(in_piece, room(tail, in_piece))};
    found_room(most, out.size());
    return out;
  }
  // Producer only. Publishes the first `count` elements of what writable answered.
  void commit(std::size_t count) noexcept requires std::is_trivial_v<T> {
    const std::uint64_t tail = producer_.tail;
    FRYS_ASSERT(count <= Capacity - (tail - producer_.gate_seen),
                "broadcast_ring::commit: more than writable answered");
    publish(tail + count);
  }

  // Producer only. No more pushes; the readers get what is left.
  void close() noexcept {
    producer_.closing = true;
    // sync(broadcast_ring.close): release; a reader that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // The handle of a reader that follows those in After; cheap to copy. One thread at a time may use a reader.
  template <typename Graph::set After>
  class reader_handle {
   public:
    // Reader `number` of that ring.
    reader_handle(gated_broadcast& ring, std::size_t number) noexcept : ring_(&ring), place_(&ring.places_[number]) {}

    // The next value, copied.
    pop_result<T> try_pop() const noexcept requires std::is_nothrow_copy_constructible_v<T> {
      place& p = *place_;
      const std::uint64_t next = p.own;
      if (next == p.limit_seen) [[unlikely]] {
        if (!look_for_values(next)) {
          p.told.refused();
          return why_no_value(next);
        }
      }
      pop_result<T> out(std::in_place, std::as_const(ring_->at(next)));
      pass(next + 1);
      return out;
    }
    // The next value where it lies, or nullptr; it stays until pop_front.
    [[nodiscard]] const T* front() const noexcept {
      place& p = *place_;
      const std::uint64_t next = p.own;
      if (next == p.limit_seen && !look_for_values(next)) {
        p.told.refused();
        return nullptr;
      }
      return &ring_->at(next);
    }
    // Passes the next value; false if there is none.
    bool pop_front() const noexcept {
      if (front() == nullptr) return false;
      consume(1);
      return true;
    }
    // The next values in one piece, at most `most`, to be used where they lie and consumed; empty when there is none. A
    // ring's piece ends where its memory does: ask again.
    [[nodiscard]] std::span<const T> readable(std::size_t most = Capacity) const noexcept {
      place& p = *place_;
      const std::uint64_t next = p.own;
      const std::size_t in_piece = (std::min)(most, Capacity - static_cast<std::size_t>(next & mask));
      if (p.limit_seen - next < in_piece) (void)look_for_values(next);
      const std::span<const T> out{&ring_->at(next),
                                   (std::min)(in_piece, static_cast<std::size_t>(p.limit_seen - next))};
      if constexpr (!std::is_same_v<Stats, stats::none>)
        if (out.empty() && most != 0) p.told.refused();
      return out;
    }
    // Passes the first `count` values of what readable answered.
    void consume(std::size_t count) const noexcept {
      place& p = *place_;
      const std::uint64_t next = p.own;
      FRYS_ASSERT(count <= p.limit_seen - next, "broadcast_ring::consume: more than readable answered");
      pass(next + count);
    }
    // True if the producer has closed, or this reader has left, and nothing is left to read.
    [[nodiscard]] bool is_drained() const noexcept {
      place& p = *place_;
      const std::uint64_t next = p.own;
      return next == p.limit_seen && !look_for_values(next) && why_no_value(next) == pop_status::closed;
    }
    // Wants no more, for good: from now on nobody waits for this reader; readers after it follow those before it. When
    // all have left the producer gets closed.
    void leave() const noexcept {
      place& p = *place_;
      p.limit_seen = gone;
      pass(gone);
    }
    // Any thread. With a policy::stats that counts: what the producer has pushed, what this reader has passed, and how
    // often it came for nothing. One that has left is behind nothing.
    [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
      queue_statistics out;
      out.empty = place_->told.refusals();
      // relaxed, both: numbers, not an order
      const std::uint64_t next = place_->next.load(std::memory_order_relaxed);
      out.pushes = ring_->tail_.load(std::memory_order_relaxed);
      out.pops = next == gone ? out.pushes : next;
      return out;
    }

   private:
    void pass(std::uint64_t to) const noexcept {
      place_->own = to;
      // sync(broadcast_ring.pass): release; we are done with the slots before the producer builds over them, and what
      // we did with the values is known to the readers after us.
      place_->next.store(to, std::memory_order_release);
    }
    bool look_for_values(std::uint64_t next) const noexcept {
      if (next == gone) return false;
      place& p = *place_;
      p.limit_seen = ring_->template limit_behind<After>();
      return p.limit_seen != next;
    }
    FRYS_NOINLINE pop_status why_no_value(std::uint64_t next) const noexcept {
      if (next == gone) return pop_status::closed;
      // sync(broadcast_ring.close): acquire; then the tail that we read next is the last one.
      if (!ring_->closed_.load(std::memory_order_acquire)) return pop_status::empty;
      // relaxed: its value alone matters here. What is not ours yet may be with the readers before us.
      return ring_->tail_.load(std::memory_order_relaxed) == next ? pop_status::closed : pop_status::empty;
    }

    gated_broadcast* ring_;
    place* place_;
  };

  // Any thread. How far the slowest reader is behind the producer; may be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::uint64_t slowest = gone;
    // relaxed, all: a number, not an order. The tail last, so that no reader is ahead of it.
    for (const place& p : places_) slowest = (std::min)(slowest, p.next.load(std::memory_order_relaxed));
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return slowest >= tail ? 0 : (std::min)(static_cast<std::size_t>(tail - slowest), Capacity);
  }
  // Any thread. With a policy::stats that counts: what the slowest reader has passed, and of all readers how often they
  // came for nothing.
  [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
    queue_statistics out;
    std::uint64_t slowest = gone;
    // relaxed, all: numbers, not an order
    for (const place& p : places_) {
      slowest = (std::min)(slowest, p.next.load(std::memory_order_relaxed));
      out.empty += p.told.refusals();
    }
    out.pushes = tail_.load(std::memory_order_relaxed);
    out.pops = slowest == gone ? out.pushes : slowest;
    out.full = producer_.told.refusals();
    return out;
  }

 private:
  T& at(std::uint64_t index) noexcept { return slots_[index & mask].value; }
  template <class... Args>
  void build(std::uint64_t index, Args&&... args) noexcept {
    T* const place_of = &at(index);
    if constexpr (!std::is_trivially_destructible_v<T>)
      if (index >= Capacity) std::destroy_at(place_of);
    std::construct_at(place_of, std::forward<Args>(args)...);
  }

  // The values before `to` are whole.
  void publish(std::uint64_t to) noexcept {
    producer_.tail = to;
    // sync(broadcast_ring.publish): release; the values are whole before a reader can count them.
    tail_.store(to, std::memory_order_release);
  }

  // The least of what f(i) answers for the readers i in Set.
  template <typename Graph::set Set, std::size_t I = 0, class F>
  static std::uint64_t least(F&& f) noexcept {
    if constexpr (Set == 0) {
      return gone;
    } else {
      std::uint64_t rest = least<(Set >> 1), I + 1>(f);
      if constexpr ((Set & 1) != 0) rest = (std::min)(rest, f(std::integral_constant<std::size_t, I>{}));
      return rest;
    }
  }
  // Up to where a reader may read that follows those in After.
  template <typename Graph::set After>
  std::uint64_t limit_behind() const noexcept {
    if constexpr (After == 0) {
      // sync(broadcast_ring.publish): acquire; with relaxed a slot could be read before its value was written.
      return tail_.load(std::memory_order_acquire);
    } else {
      return least<After>([this](auto j) {
        // sync(broadcast_ring.pass): acquire; what the readers before us did is known to us.
        const std::uint64_t next = places_[j].next.load(std::memory_order_acquire);
        // In place of one that has left: those before it.
        return next != gone ? next : this->template limit_behind<Graph::direct(decltype(j)::value)>();
      });
    }
  }
  // Up to where reader I, and all before it if it has left, are done; gone if all have left.
  template <std::size_t I>
  std::uint64_t passed_by() const noexcept {
    // sync(broadcast_ring.pass): acquire; all reads of the old value are done before we build over it.
    const std::uint64_t next = places_[I].next.load(std::memory_order_acquire);
    if (next != gone) return next;
    return least<Graph::direct(I)>([this](auto j) { return this->template passed_by<decltype(j)::value>(); });
  }

  bool look_for_room(std::uint64_t tail) noexcept {
    const std::uint64_t gate =
        least<Graph::last()>([this](auto i) { return this->template passed_by<decltype(i)::value>(); });
    if (gate == gone) return false;
    producer_.gate_seen = gate;
    return tail - gate != Capacity;
  }
  // Free slots; looks at the readers only if our copy promises fewer than `wanted`.
  std::size_t room(std::uint64_t tail, std::size_t wanted) noexcept {
    if (Capacity - (tail - producer_.gate_seen) < wanted) (void)look_for_room(tail);
    return Capacity - static_cast<std::size_t>(tail - producer_.gate_seen);
  }
  FRYS_NOINLINE push_result why_no_room() noexcept {
    if (producer_.closing) return push_result::closed;
    if (least<Graph::last()>([this](auto i) { return this->template passed_by<decltype(i)::value>(); }) == gone)
      return push_result::closed;
    producer_.told.refused();
    return push_result::full;
  }
  // What the bulk forms and spans answer, for the counters.
  void found_room(std::size_t wanted, std::size_t found) noexcept {
    if constexpr (!std::is_same_v<Stats, stats::none>)
      if (found == 0 && wanted != 0) (void)why_no_room();
  }

  producer_part producer_;
  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};  // producer_.tail, shown
  atomic<bool> closed_{false};
  place places_[Graph::count];
  alignas(2 * cache_line) slot<T> slots_[Capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP
