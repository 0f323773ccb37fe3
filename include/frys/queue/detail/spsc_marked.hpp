// spsc_marked: spsc_ring for elements with a value that is never pushed: the slot itself says whether it is full, and
// no index travels. One cache line per message instead of two.
//
// Roles, progress, ordering: see ../spsc_ring.hpp, which derives from this.
// Source   J. Giacomoni, T. Moseley, M. Vachharajani, "FastForward for efficient pipeline parallelism", PPoPP 2008.
#ifndef FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP
#define FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "../../core/cache_line.hpp"
#include "../policies.hpp"
#include "../result.hpp"
#include "../stats.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Layout, auto Niche, class Stats = stats::none>
class spsc_marked {
  using side = typename Stats::template side<Atomics, true>;

 public:
  using value_type = T;
  static constexpr std::size_t capacity = Capacity;
  [[nodiscard]] static constexpr std::size_t slot_count() noexcept { return Capacity; }
  static constexpr bool has_spans = false;

  spsc_marked() noexcept {
    // relaxed: nobody else is here yet
    for (auto& s : slots_) s.store(nothing, std::memory_order_relaxed);
  }
  spsc_marked(const spsc_marked&) = delete;
  spsc_marked& operator=(const spsc_marked&) = delete;

  // Producer only. On full and closed the value is untouched. The niche itself must not be pushed.
  push_result try_push(const T& value) noexcept { return try_emplace(value); }

  // Producer only. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept { return put<true>(T(std::forward<Args>(args)...)); }

  // Producer only. Pushes as many of `values` as there is room for, first to last, and answers how many: 0 when full or
  // closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    std::size_t count = 0;
    while (count < values.size() && put<false>(values[count])) ++count;
    if constexpr (!std::is_same_v<Stats, stats::none>)
      if (count == 0 && !values.empty() && why_no_room().is_full()) pushes_.refused();
    return count;
  }

  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    closing_ = 1;
    // sync(spsc_marked.close): release; a consumer that sees it sees our last push too.
    closed_.store(1, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept { return take<true>(); }

  // Consumer only. Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept {
    std::size_t count = 0;
    for (; count < out.size(); ++count) {
      auto got = take<false>();
      if (!got) break;
      out[count] = *got;
    }
    if (count == 0 && !out.empty()) pops_.refused();
    return count;
  }

  // Consumer only. The oldest value, in a place that is the consumer's until pop_front, or nullptr.
  [[nodiscard]] T* front() noexcept {
    if (is_there()) return &front_;
    pops_.refused();
    return nullptr;
  }
  // Consumer only. Takes the oldest value away; false if there is none.
  bool pop_front() noexcept { return static_cast<bool>(try_pop()); }

  // Consumer only. Wants no more.
  void abandon() noexcept {
    abandoned_.store(1, std::memory_order_relaxed);  // relaxed: a flag that carries no data
  }

  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() noexcept { return !is_there() && why_no_value() == pop_status::closed; }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t size = tail_.load(std::memory_order_relaxed) - head;
    return size <= capacity ? size : size > capacity * 2 ? 0 : capacity;  // the two were not read at one time
  }
  // Any thread. With a policy::stats that counts, see ../stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
    queue_statistics out;
    // relaxed, both: numbers, not an order
    out.pops = head_.load(std::memory_order_relaxed), out.pushes = tail_.load(std::memory_order_relaxed);
    out.full = pushes_.refusals(), out.empty = pops_.refusals();
    return out;
  }

 private:
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr T nothing = static_cast<T>(Niche);

  atomic<T>& at(std::size_t index) noexcept {
    return slots_[Layout::template slot_of<capacity, sizeof(atomic<T>)>(index)];
  }
  // Counted: for the statistics, if it is refused.
  template <bool Counted>
  push_result put(const T value) noexcept {
    FRYS_ASSERT(value != nothing, "spsc_ring: the value of policy::niche was pushed; it means an empty slot");
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    atomic<T>& s = at(tail);
    // sync(spsc_marked.vacate): acquire; what the consumer did with the element before is done.
    if (s.load(std::memory_order_acquire) != nothing) [[unlikely]] {
      const push_result why = why_no_room();
      if (Counted && why.is_full()) pushes_.refused();
      return why;
    }
    if (closing_) [[unlikely]]
      return push_result::closed;
    // sync(spsc_marked.publish): release; what we did before comes with the element.
    s.store(value, std::memory_order_release);
    tail_.store(tail + 1, std::memory_order_relaxed);  // relaxed: for us and for size_hint
    return push_result::ok;
  }
  template <bool Counted>
  pop_result<T> take() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    atomic<T>& s = at(head);
    // sync(spsc_marked.publish): acquire; what the producer did before its push comes with the element.
    const T value = s.load(std::memory_order_acquire);
    if (value == nothing) [[unlikely]] {
      if (Counted) pops_.refused();
      return why_no_value();
    }
    // sync(spsc_marked.vacate): release; what we did before is done when the producer finds the slot free.
    s.store(nothing, std::memory_order_release);
    head_.store(head + 1, std::memory_order_relaxed);  // relaxed: for us and for size_hint
    return pop_result<T>(std::in_place, value);
  }
  // Copies the oldest value to front_, if there is one.
  bool is_there() noexcept {
    // relaxed: ours. sync(spsc_marked.publish): acquire, as above.
    front_ = at(head_.load(std::memory_order_relaxed)).load(std::memory_order_acquire);
    return front_ != nothing;
  }
  FRYS_NOINLINE push_result why_no_room() noexcept {
    // relaxed: a flag that carries no data
    if (closing_ || abandoned_.load(std::memory_order_relaxed)) return push_result::closed;
    return push_result::full;
  }
  FRYS_NOINLINE pop_status why_no_value() noexcept {
    // sync(spsc_marked.close): acquire; then the slot that we read next is as the last push left it.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    // A push may have come between the look and the close; the next try_pop takes it.
    return is_there() ? pop_status::empty : pop_status::closed;
  }

  // Each side's own line, which the other side does not read, but for size_hint.
  alignas(2 * cache_line) atomic<std::size_t> tail_{0};
  std::uint8_t closing_ = 0;  // the producer's own copy of closed_. No bool: another process may write any byte
  [[no_unique_address]] side pushes_;
  alignas(2 * cache_line) atomic<std::size_t> head_{0};
  T front_ = nothing;
  [[no_unique_address]] side pops_;
  // Written once each, and looked at whenever a try fails: beside an index they would take its line from its owner at
  // every look, just before the operation that the other side waits for.
  alignas(2 * cache_line) atomic<std::uint8_t> closed_{0};
  atomic<std::uint8_t> abandoned_{0};
  alignas(2 * cache_line) atomic<T> slots_[capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP
