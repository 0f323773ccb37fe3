// spsc_ring: a bounded FIFO from one producer thread to one consumer thread.
//
// Use when  one thread feeds one other and the caller can cope with "full".
// Not when  either end has more threads (mpmc_ring, mpsc_queue) or the backlog has no bound (mpsc_queue).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. try_pop, pop_some, front,
// pop_front,
//           readable, consume, abandon: the consumer. size_hint: any thread. The roles may move to other threads if
//           something orders the hand-over.
// Progress  all operations are wait-free.
// Cost      O(1), no allocation; reads the other side's index only when our copy of it says full or empty. The slots
//           lie in the object. Spans and bulk forms publish once for many elements: several times faster.
// Ordering  a push that answered ok happens-before the pop that takes its value; a pop happens-before the push that
//           builds over its slot.
// Close     close(): the producer has finished; the consumer takes what is left, then gets closed. abandon(): the
// consumer
//           wants no more; the producer gets closed at the latest when the ring is full.
// Lifetime  destroy it after both threads have stopped using it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two   default 1024
//   policy::atomics<A>   the atomics model                        default atomics::standard
// Source    L. Lamport, TOPLAS 5(2), 1983; cached indices: P. Lee, T. Bu, G. Chandranmenon, IPDPS 2010.
#ifndef FRYS_QUEUE_SPSC_RING_HPP
#define FRYS_QUEUE_SPSC_RING_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../policy.hpp"
#include "detail/slot.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class spsc_ring {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::spsc_ring: unknown policy; it takes policy::capacity, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::spsc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::spsc_ring<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::spsc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::spsc_ring: policy::capacity must be a power of two");

  spsc_ring() = default;
  spsc_ring(const spsc_ring&) = delete;
  spsc_ring& operator=(const spsc_ring&) = delete;
  ~spsc_ring() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (pop_front()) {
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
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    if (tail - head_seen_ == capacity) [[unlikely]] {
      if (!look_for_room(tail)) return why_no_room();
    }
    if (closing_) [[unlikely]]
      return push_result::closed;
    std::construct_at(&at(tail), std::forward<Args>(args)...);
    // sync(spsc_ring.publish): release; the value is whole before the consumer can count it. With relaxed, an Arm
    // consumer may read the slot ahead of the constructor's writes.
    tail_.store(tail + 1, std::memory_order_release);
    return push_result::ok;
  }

  // Producer only. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full
  // or closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (closing_) return 0;
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t count = (std::min)(values.size(), room(tail, values.size()));
    for (std::size_t i = 0; i < count; ++i) std::construct_at(&at(tail + i), std::move(values[i]));
    tail_.store(tail + count, std::memory_order_release);  // sync(spsc_ring.publish): release, as above
    return count;
  }

  // Producer only. Free slots in one piece, at most `most`, to be written and committed; empty when full or closed.
  // What is never written has no value, therefore only for trivial T. A ring's piece ends where its memory does: ask
  // again.
  [[nodiscard]] std::span<T> writable(std::size_t most = capacity) noexcept requires std::is_trivial_v<T> {
    if (closing_) return {};
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t in_piece = (std::min)(most, capacity - (tail & mask));
    return {&at(tail), (std::min)(in_piece, room(tail, in_piece))};
  }
  // Producer only. Publishes the first `count` elements of what writable answered.
  void commit(std::size_t count) noexcept requires std::is_trivial_v<T> {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    FRYS_ASSERT(count <= capacity - (tail - head_seen_), "spsc_ring::commit: more than writable answered");
    tail_.store(tail + count, std::memory_order_release);  // sync(spsc_ring.publish): release, as above
  }

  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    closing_ = true;
    // sync(spsc_ring.close): release; a consumer that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    if (head == tail_seen_) [[unlikely]] {
      if (!look_for_values(head)) return why_no_value();
    }
    T& value = at(head);
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    // sync(spsc_ring.vacate): release; we are done with the slot before the producer can build over it.
    head_.store(head + 1, std::memory_order_release);
    return out;
  }

  // Consumer only. Moves up to out.size() values to `out`, in order, and answers how many: 0 when there is none.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t count = (std::min)(out.size(), values(head, out.size()));
    for (std::size_t i = 0; i < count; ++i) {
      T& value = at(head + i);
      out[i] = std::move(value);
      std::destroy_at(&value);
    }
    head_.store(head + count, std::memory_order_release);  // sync(spsc_ring.vacate): release, as above
    return count;
  }

  // Consumer only. The oldest value where it lies, or nullptr; it stays until pop_front.
  [[nodiscard]] T* front() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours
    if (head == tail_seen_ && !look_for_values(head)) return nullptr;
    return &at(head);
  }
  // Consumer only. Destroys the oldest value; false if there is none.
  bool pop_front() noexcept {
    T* value = front();
    if (value == nullptr) return false;
    std::destroy_at(value);
    // relaxed load: ours. sync(spsc_ring.vacate): release, as above.
    head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
  }

  // Consumer only. The oldest values in one piece, at most `most`, to be used where they lie and consumed; empty when
  // there is none. A ring's piece ends where its memory does: ask again.
  [[nodiscard]] std::span<T> readable(std::size_t most = capacity) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t in_piece = (std::min)(most, capacity - (head & mask));
    return {&at(head), (std::min)(in_piece, values(head, in_piece))};
  }
  // Consumer only. Destroys the first `count` values of what readable answered.
  void consume(std::size_t count) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours
    FRYS_ASSERT(count <= tail_seen_ - head, "spsc_ring::consume: more than readable answered");
    for (std::size_t i = 0; i < count; ++i) std::destroy_at(&at(head + i));
    head_.store(head + count, std::memory_order_release);  // sync(spsc_ring.vacate): release, as above
  }

  // Consumer only. Wants no more.
  void abandon() noexcept {
    abandoned_.store(true, std::memory_order_relaxed);
  }  // relaxed: a flag that carries no data

  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours
    return head == tail_seen_ && !look_for_values(head) && why_no_value() == pop_status::closed;
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order. Head first, so that it is never ahead of tail.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return (std::min)(tail_.load(std::memory_order_relaxed) - head, capacity);
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  static constexpr std::size_t mask = capacity - 1;

  T& at(std::size_t index) noexcept { return slots_[index & mask].value; }

  bool look_for_room(std::size_t tail) noexcept {
    // sync(spsc_ring.vacate): acquire; the old value is gone before we build over it.
    head_seen_ = head_.load(std::memory_order_acquire);
    return tail - head_seen_ != capacity;
  }
  bool look_for_values(std::size_t head) noexcept {
    // sync(spsc_ring.publish): acquire; with relaxed we could read a slot before its value was written.
    tail_seen_ = tail_.load(std::memory_order_acquire);
    return head != tail_seen_;
  }
  // Free slots; looks at the consumer's index only if our copy promises fewer than `wanted`.
  std::size_t room(std::size_t tail, std::size_t wanted) noexcept {
    if (capacity - (tail - head_seen_) < wanted) (void)look_for_room(tail);
    return capacity - (tail - head_seen_);
  }
  std::size_t values(std::size_t head, std::size_t wanted) noexcept {
    if (tail_seen_ - head < wanted) (void)look_for_values(head);
    return tail_seen_ - head;
  }

  FRYS_NOINLINE push_result why_no_room() noexcept {
    // relaxed: a flag that carries no data
    if (closing_ || abandoned_.load(std::memory_order_relaxed)) return push_result::closed;
    return push_result::full;
  }
  FRYS_NOINLINE pop_status why_no_value() noexcept {
    // sync(spsc_ring.close): acquire; then the tail that we read next is the last one.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    // relaxed: ours. A push may have come between the look and the close; the next try_pop takes it.
    return look_for_values(head_.load(std::memory_order_relaxed)) ? pop_status::empty : pop_status::closed;
  }

  // Indices only grow; tail_ - head_ is the size, also when they wrap. Each side writes one line: its own index and the
  // last value it saw of the other's. Two lines apart, because cores fetch lines in pairs.
  alignas(2 * cache_line) atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;
  bool closing_ = false;  // the producer's own copy of closed_
  atomic<bool> closed_{false};
  alignas(2 * cache_line) atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;
  atomic<bool> abandoned_{false};
  alignas(2 * cache_line) detail::slot<T> slots_[capacity];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SPSC_RING_HPP
