// mpsc_queue: an unbounded FIFO of values from many producer threads to one consumer.
//
// Use when  many threads send to one and the backlog has no natural bound, or one in bytes (policy::limit).
// Not when  the elements are nodes already (intrusive_mpsc_queue, included here too), the bound is a number of elements
//           and "full" is an answer you want (mpmc_ring, spsc_ring), or producers can keep a handle and the order among
//           them does not matter (bag: faster still).
// Roles     try_push, try_emplace, push_some, close, is_closed, size_hint, segments: any thread. try_pop, pop_some: the
//           one consumer; the role may move to another thread if something orders the hand-over.
// Progress  a push takes its place by a compare-exchange that fails only where another one succeeds (who lost one
//           rests a little), and goes from segment to segment without waiting. A pop never waits, and is wait-free but
//           for that step, which is lock-free; but a producer stopped in the middle of a push hides what was pushed
//           behind it until it goes on.
// Cost      O(1). push: one read-modify-write; pop: none. At every policy::capacity'th the step to another segment, of
//           five in all. Segments are used again: after warm-up nothing is allocated; the memory of the longest backlog
//           stays until the queue dies.
// Ordering  strict FIFO by the order in which places were taken; values of one producer keep their order. What a thread
//           did before the push of a value happens-before what the consumer does after the pop of it. What a thread did
//           before close() happens-before what another does after it has learnt of it (is_closed, a try_pop that
//           answers closed).
// Close     after close() every push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only then, also when a push was under way.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots of a segment, a power of two up to 16384                    default 256
//   policy::limit<N>     the most bytes of segments, two of them at least; beyond: full    default none
//   policy::pages<P>     where slabs of segments come from                                 default heap_pages
//   policy::stats<S>     stats::counted: stats() answers how often it was full, empty,
//                        contended, see queue/stats.hpp                                    default stats::none
//   policy::atomics<A>   the atomics model                                                 default atomics::standard
// Source    as segment_queue, whose producers' side this is; one consumer needs no claims, so nothing is counted away.
#ifndef FRYS_QUEUE_MPSC_QUEUE_HPP
#define FRYS_QUEUE_MPSC_QUEUE_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/segments.hpp"
#include "intrusive_mpsc_queue.hpp"
#include "result.hpp"
#include "segment_queue.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class mpsc_queue {
  using accepted =
      policy::keys<policy::atomics_key, policy::pages_key, policy::limit_key, policy::capacity_key, policy::stats_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::mpsc_queue: unknown policy; it takes policy::capacity, policy::limit, policy::pages, "
                "policy::stats, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpsc_queue: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpsc_queue<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::mpsc_queue: policy::pages wants a page source, see core/concepts.hpp");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::mpsc_queue: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");

 private:
  using side = typename stats_type::template side<atomics_type, true>;

 public:
  // Of one segment.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<256>, Policies...>::value;
  static_assert(std::has_single_bit(capacity) && capacity <= 16384,
                "frys::mpsc_queue: policy::capacity, of a segment, must be a power of two up to 16384");
  // What one segment counts for policy::limit.
  static constexpr std::size_t segment_bytes = sizeof(detail::segment<T, atomics_type, capacity>);
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;
  static_assert(limit / segment_bytes >= 2,
                "frys::mpsc_queue: policy::limit must leave room for two segments; name a larger one, or a smaller "
                "policy::capacity");

  mpsc_queue() noexcept : first_(&queue_.origin_), at_(head::word(0, capacity)) {}
  mpsc_queue(const mpsc_queue&) = delete;
  mpsc_queue& operator=(const mpsc_queue&) = delete;
  ~mpsc_queue() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (try_pop()) {
      }
    // From here on the queue below finds nothing. relaxed: nobody else is here any more
    queue_.head_.store(place_, std::memory_order_relaxed);
    first_->pop.store(at_, std::memory_order_relaxed);
    queue_.pop_hint_.store(first_, std::memory_order_relaxed);
  }

  // Any thread. On full (the limit is reached, or the memory source refused) and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return queue_.try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return queue_.try_emplace(value);
  }
  // Any thread. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept { return queue_.try_emplace(std::forward<Args>(args)...); }
  // Any thread. Moves in as many of `values` as there is room for, in order, and answers how many. Those that go to one
  // segment stand side by side, and take their places by one compare-exchange.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept { return queue_.push_some(values); }

  // Consumer only. Empty also while the next value's push is under way.
  pop_result<T> try_pop() noexcept {
    T* value = next();
    if (value == nullptr) [[unlikely]] {
      pops_.refused();
      return why_nothing();
    }
    pop_result<T> out(std::in_place, std::move(*value));
    std::destroy_at(value);
    ++at_;
    show();
    return out;
  }
  // Consumer only. Moves up to out.size() values to `out`, oldest first, and answers how many.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    std::size_t done = 0;
    for (T* value; done < out.size() && (value = next()) != nullptr; ++done, ++at_) {
      out[done] = std::move(*value);
      std::destroy_at(value);
    }
    if (done == 0 && !out.empty()) pops_.refused();
    show();
    return done;
  }

  // Any thread; again is harmless.
  void close() noexcept { queue_.close(); }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept { return queue_.is_closed(); }
  // Any thread. May be stale on return: what was taken out of the oldest segment counts until it is used up.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // First, so that it is never ahead of the tail. relaxed: a number, not an order
    const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
    constexpr std::uint64_t all = (head::place_mask + 1) * capacity;
    const std::uint64_t count = (queue_.pushed() - begin) & (all - 1);
    return count <= all / 2 ? static_cast<std::size_t>(count) : 0;
  }
  // Any thread. With a policy::stats that counts, see stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires detail::counting_side<side> {
    queue_statistics out = queue_.stats();
    out.pops = popped_.get(), out.empty = pops_.refusals();
    return out;
  }
  // Any thread. Segments there are: the longest backlog, about.
  [[nodiscard]] std::size_t segments() const noexcept { return queue_.segments(); }

 private:
  using queue_type = segment_queue<T, policy::capacity<capacity>, policy::limit<limit>, policy::pages<pages_type>,
                                   policy::stats<stats_type>, policy::atomics<atomics_type>>;
  using head = typename queue_type::head;

  // Where the oldest value lies; nullptr: it is not there.
  T* next() noexcept {
    if (head::taken_in(at_) == capacity) [[unlikely]]
      if (!next_segment()) return nullptr;
    auto& c = queue_type::cell_of(*first_, at_);
    // sync(segment_queue.publish): acquire; with relaxed the value could be read as it was before its constructor.
    if (c.place.load(std::memory_order_acquire) != head::place_of(at_)) return nullptr;
    return &c.value.value;
  }
  // The segment behind is the first one now. False: there is none.
  FRYS_NOINLINE bool next_segment() noexcept {
    // sync(segment_queue.chain): acquire; the segment behind, and its words. sync(segment_queue.close): acquire.
    const std::uint64_t next = first_->next.load(std::memory_order_acquire);
    const std::uint64_t number = queue_type::number_in(next);
    if (number == head::none || number == head::end) return false;
    // The tail must not stay at a segment that goes. relaxed: we have pushed it on to here ourselves, or seen it here.
    if (queue_.tail_.load(std::memory_order_relaxed) == place_) queue_.pass_tail(place_, next);
    head* spent = first_;
    place_ = queue_type::step(next);
    first_ = &queue_.at(place_);
    at_ = head::word(head::place_of(place_), 0);
    begin_.store(head::place_of(place_) * capacity, std::memory_order_relaxed);  // relaxed: see size_hint
    if (spent != &queue_.origin_) queue_.pool_.give_back(static_cast<typename queue_type::segment&>(*spent));
    return true;
  }
  void show() noexcept {
    // As segment_queue counts them: the first segment stands at place 1.
    popped_.set(head::place_of(at_) * capacity + head::taken_in(at_) - capacity);
  }
  FRYS_NOINLINE pop_status why_nothing() noexcept {
    if (head::taken_in(at_) == capacity) {
      // sync(segment_queue.close): acquire; what was done before close.
      const std::uint64_t next = first_->next.load(std::memory_order_acquire);
      return queue_type::number_in(next) == head::end ? pop_status::closed : pop_status::empty;
    }
    return queue_type::is_drained(*first_, at_) ? pop_status::closed : pop_status::empty;
  }

  queue_type queue_;
  // The consumer's own: its segment, where that stands in the chain and its number, and where it is in it.
  alignas(2 * cache_line) head* first_;
  std::uint64_t place_ = 0;
  std::uint64_t at_;
  typename atomics_type::template atomic<std::uint64_t> begin_{capacity};  // the place of its first value
  [[no_unique_address]] side pops_;
  [[no_unique_address]] detail::shown_number<atomics_type, detail::counting_side<side>> popped_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPSC_QUEUE_HPP
