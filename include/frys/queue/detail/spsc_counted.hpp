// spsc_counted: spsc_ring with an index for each side, which the other side reads. For every T; elements lie in memory
// as they are, so spans can be handed out.
//
// Roles, progress, ordering: see ../spsc_ring.hpp, which derives from this.
#ifndef FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP
#define FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP

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
#include "../policies.hpp"
#include "../result.hpp"
#include "../stats.hpp"
#include "ring_slots.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, class Slots, class Atomics, class Publish, class Stats = stats::none>
class spsc_counted {
  using side = typename Stats::template side<Atomics, true>;

 public:
  using value_type = T;
  // Whether neighbours lie side by side, as spans need it.
  static constexpr bool has_spans = Slots::is_contiguous;

  spsc_counted() requires(!Slots::is_dynamic) = default;
  explicit spsc_counted(Slots&& cells) noexcept requires(Slots::is_dynamic) : slots_(std::move(cells)) {}
  // While no thread uses `other`, which is good for nothing afterwards.
  spsc_counted(spsc_counted&& other) noexcept requires(Slots::is_dynamic)
      : producer_{.tail = other.producer_.tail,
                  .head_seen = other.producer_.head_seen,
                  .closing = other.producer_.closing},
        tail_(other.tail_.load(std::memory_order_relaxed)),      // relaxed, all: nobody else uses it
        closed_(other.closed_.load(std::memory_order_relaxed)),  // relaxed: as above
        consumer_{.head = other.consumer_.head, .tail_seen = other.consumer_.tail_seen},
        head_(other.head_.load(std::memory_order_relaxed)),            // relaxed: as above
        abandoned_(other.abandoned_.load(std::memory_order_relaxed)),  // relaxed: as above
        slots_(std::move(other.slots_)) {}
  spsc_counted& operator=(const spsc_counted&) = delete;
  ~spsc_counted() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (!slots_.exist()) return;
      while (pop_front()) {
      }
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
    const std::size_t tail = producer_.tail;
    if (tail - producer_.head_seen == slot_count()) [[unlikely]] {
      if (!look_for_room(tail)) return why_no_room();
    }
    if (producer_.closing) [[unlikely]]
      return push_result::closed;
    std::construct_at(&at(tail), std::forward<Args>(args)...);
    publish(tail + 1);
    return push_result::ok;
  }

  // Producer only. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full
  // or closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (producer_.closing) return 0;
    const std::size_t tail = producer_.tail;
    const std::size_t count = (std::min)(values.size(), room(tail, values.size()));
    for (std::size_t i = 0; i < count; ++i) std::construct_at(&at(tail + i), std::move(values[i]));
    publish(tail + count);
    found_room(values.size(), count);
    return count;
  }

  // Producer only. Free slots in one piece, at most `most`, to be written and committed; empty when full or closed.
  // What is never written has no value, therefore only for trivial T. A ring's piece ends where its memory does: ask
  // again.
  [[nodiscard]] std::span<T> writable(std::size_t most = ~std::size_t{
                                          0}) noexcept requires std::is_trivial_v<T> && has_spans {
    if (producer_.closing) return {};
    const std::size_t tail = producer_.tail;
    const std::size_t in_piece = (std::min)(most, slot_count() - (tail & (slot_count() - 1)));
    const std::span<T> out{&at(tail), (std::min)(in_piece, room(tail, in_piece))};
    found_room(most, out.size());
    return out;
  }
  // Producer only. Publishes the first `count` elements of what writable answered.
  void commit(std::size_t count) noexcept requires std::is_trivial_v<T> && has_spans {
    const std::size_t tail = producer_.tail;
    FRYS_ASSERT(count <= slot_count() - (tail - producer_.head_seen), "spsc_ring::commit: more than writable answered");
    publish(tail + count);
  }

  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    producer_.closing = 1;
    // sync(spsc_ring.close): release; a consumer that sees it sees our last push too.
    closed_.store(1, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept {
    const std::size_t head = consumer_.head;
    if (head == consumer_.tail_seen) [[unlikely]] {
      if (!look_for_values(head)) {
        consumer_.told.refused();
        return why_no_value();
      }
    }
    T& value = at(head);
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    vacate(head, head + 1);
    return out;
  }

  // Consumer only. Moves up to out.size() values to `out`, in order, and answers how many: 0 when there is none.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    const std::size_t head = consumer_.head;
    const std::size_t count = (std::min)(out.size(), values(head, out.size()));
    for (std::size_t i = 0; i < count; ++i) {
      T& value = at(head + i);
      out[i] = std::move(value);
      std::destroy_at(&value);
    }
    vacate(head, head + count);
    found_values(out.size(), count);
    return count;
  }

  // Consumer only. The oldest value where it lies, or nullptr; it stays until pop_front.
  [[nodiscard]] T* front() noexcept {
    const std::size_t head = consumer_.head;
    if (head == consumer_.tail_seen && !look_for_values(head)) {
      consumer_.told.refused();
      return nullptr;
    }
    return &at(head);
  }
  // Consumer only. Destroys the oldest value; false if there is none.
  bool pop_front() noexcept {
    T* value = front();
    if (value == nullptr) return false;
    std::destroy_at(value);
    vacate(consumer_.head, consumer_.head + 1);
    return true;
  }

  // Consumer only. The oldest values in one piece, at most `most`, to be used where they lie and consumed; empty when
  // there is none. A ring's piece ends where its memory does: ask again.
  [[nodiscard]] std::span<T> readable(std::size_t most = ~std::size_t{0}) noexcept requires has_spans {
    const std::size_t head = consumer_.head;
    const std::size_t in_piece = (std::min)(most, slot_count() - (head & (slot_count() - 1)));
    const std::span<T> out{&at(head), (std::min)(in_piece, values(head, in_piece))};
    found_values(most, out.size());
    return out;
  }
  // Consumer only. Destroys the first `count` values of what readable answered.
  void consume(std::size_t count) noexcept requires has_spans {
    const std::size_t head = consumer_.head;
    FRYS_ASSERT(count <= consumer_.tail_seen - head, "spsc_ring::consume: more than readable answered");
    for (std::size_t i = 0; i < count; ++i) std::destroy_at(&at(head + i));
    vacate(head, head + count);
  }

  // Consumer only. Wants no more.
  void abandon() noexcept {
    abandoned_.store(1, std::memory_order_relaxed);  // relaxed: a flag that carries no data
  }

  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() noexcept {
    const std::size_t head = consumer_.head;
    return head == consumer_.tail_seen && !look_for_values(head) && why_no_value() == pop_status::closed;
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order; the tail may be one from before the head.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t size = tail_.load(std::memory_order_relaxed) - head;
    return size <= ~std::size_t{0} / 2 ? (std::min)(size, slot_count()) : 0;
  }
  // Any thread. With a policy::stats that counts, see ../stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
    queue_statistics out;
    // relaxed, both: numbers, not an order
    if constexpr (lazy)
      out.pops = consumer_.popped.get();
    else
      out.pops = head_.load(std::memory_order_relaxed);
    out.pushes = tail_.load(std::memory_order_relaxed);
    out.full = producer_.told.refusals(), out.empty = consumer_.told.refusals();
    return out;
  }
  // How many values it holds at most.
  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_.count(); }

 private:
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr bool lazy = [] {
    if constexpr (Slots::is_dynamic)
      return Publish::portion(std::size_t{1} << 16) > 1;
    else
      return Publish::portion(Slots::count()) > 1;
  }();

  T& at(std::size_t index) noexcept { return slots_[index].value; }
  [[nodiscard]] std::size_t portion() const noexcept { return Publish::portion(slots_.count()); }
  // The values before `to` are whole.
  void publish(std::size_t to) noexcept {
    producer_.tail = to;
    // sync(spsc_ring.publish): release; the values are whole before the consumer can count them. With relaxed, an Arm
    // consumer may read a slot ahead of the constructor's writes.
    tail_.store(to, std::memory_order_release);
  }
  // The consumer has done with the slots before `to`.
  void vacate(std::size_t from, std::size_t to) noexcept {
    consumer_.head = to;
    consumer_.popped.set(to);
    if constexpr (lazy) {
      if (((from ^ to) & ~(portion() - 1)) == 0) return;  // still in the same portion
    } else {
      static_cast<void>(from);
    }
    // sync(spsc_ring.vacate): release; we are done with the slots before the producer can build over them.
    head_.store(to, std::memory_order_release);
  }
  // The consumer waits: the producer shall know all free slots.
  void tell() noexcept {
    if constexpr (lazy)
      // relaxed: ours. sync(spsc_ring.vacate): release, as above.
      if (head_.load(std::memory_order_relaxed) != consumer_.head)
        head_.store(consumer_.head, std::memory_order_release);
  }

  bool look_for_room(std::size_t tail) noexcept {
    // sync(spsc_ring.vacate): acquire; the old value is gone before we build over it.
    producer_.head_seen = head_.load(std::memory_order_acquire);
    return tail - producer_.head_seen != slot_count();
  }
  bool look_for_values(std::size_t head) noexcept {
    // sync(spsc_ring.publish): acquire; with relaxed we could read a slot before its value was written.
    consumer_.tail_seen = tail_.load(std::memory_order_acquire);
    if (head != consumer_.tail_seen) return true;
    tell();
    return false;
  }
  // Free slots; looks at the consumer's index only if our copy promises fewer than `wanted`.
  std::size_t room(std::size_t tail, std::size_t wanted) noexcept {
    if (slot_count() - (tail - producer_.head_seen) < wanted) (void)look_for_room(tail);
    return slot_count() - (tail - producer_.head_seen);
  }
  std::size_t values(std::size_t head, std::size_t wanted) noexcept {
    if (consumer_.tail_seen - head < wanted) (void)look_for_values(head);
    return consumer_.tail_seen - head;
  }

  FRYS_NOINLINE push_result why_no_room() noexcept {
    // relaxed: a flag that carries no data
    if (producer_.closing || abandoned_.load(std::memory_order_relaxed)) return push_result::closed;
    producer_.told.refused();
    return push_result::full;
  }
  // What the bulk forms and spans answer, for the counters.
  void found_room(std::size_t wanted, std::size_t found) noexcept {
    if constexpr (!std::is_same_v<Stats, stats::none>)
      if (found == 0 && wanted != 0) (void)why_no_room();
  }
  void found_values(std::size_t wanted, std::size_t found) noexcept {
    if (found == 0 && wanted != 0) consumer_.told.refused();
  }
  FRYS_NOINLINE pop_status why_no_value() noexcept {
    // sync(spsc_ring.close): acquire; then the tail that we read next is the last one.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    // A push may have come between the look and the close; the next try_pop takes it.
    return look_for_values(consumer_.head) ? pop_status::empty : pop_status::closed;
  }

  // Indices only grow; tail - head is the size, also when they wrap. What a side works with lies in a line of its own,
  // and what it shows to the other side in another: the other side takes that line away when it looks, and only a
  // store, which waits in a buffer, ever has to get it back, never a load. Lines two apart, because cores fetch them in
  // pairs.
  struct alignas(2 * cache_line) producer_part {
    std::size_t tail = 0;
    std::size_t head_seen = 0;
    // Its own copy of closed_. No bool: another process may write any byte.
    std::uint8_t closing = 0;
    [[no_unique_address]] side told{};
  };
  struct alignas(2 * cache_line) consumer_part {
    std::size_t head = 0;
    std::size_t tail_seen = 0;
    [[no_unique_address]] side told{};
    [[no_unique_address]] shown_number<Atomics, lazy && counting_side<side>> popped{};
  };
  producer_part producer_;
  alignas(2 * cache_line) atomic<std::size_t> tail_{0};
  atomic<std::uint8_t> closed_{0};
  consumer_part consumer_;
  alignas(2 * cache_line) atomic<std::size_t> head_{0};
  atomic<std::uint8_t> abandoned_{0};
  alignas(2 * cache_line) Slots slots_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP
