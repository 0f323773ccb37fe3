// segment_queue: an unbounded FIFO between any number of producer and consumer threads.
//
// Use when  several threads share a backlog that has no natural bound, or one in bytes (policy::limit), in one order.
// Not when  the backlog has a bound in elements (mpmc_ring), one thread consumes (mpsc_queue), or the order among
//           producers does not matter (bag: several times faster).
// Roles     every operation: any thread. No thread joins anything: a segment counts what is carried away from it, and
//           its memory stays memory of segments, so that nobody needs to be protected from its end.
// Progress  a push and a pop take their places by a compare-exchange that fails only where another one succeeds; who
//           lost one rests a little, 6 us at most, while the winner goes on with the lines in its core. Both go from
//           segment to segment without waiting. But as in mpmc_ring, a thread stopped between taking its place and
//           finishing hides what stands behind its slot: pops answer empty until it goes on. A stopped pop keeps its
//           segment from being used again.
// Cost      push: one read-modify-write; pop: two. O(1), and at every policy::capacity'th the step to another segment.
//           Segments are used again: after warm-up nothing is allocated; the memory of the longest backlog stays until
//           the queue dies.
// Ordering  strict FIFO by the order in which places were taken; values of one producer keep their order. What a thread
//           did before a push, or before close(), happens-before what another does that has its value, or closed.
// Close     after close() every push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only then, also when a push was under way.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots of a segment, a power of two up to 16384                    default 256
//   policy::limit<N>     the most bytes of segments, two of them at least; beyond: full    default none
//   policy::layout<L>    layout::contiguous or layout::scattered, see queue/policies.hpp   default contiguous
//   policy::pages<P>     where slabs of segments come from                                 default heap_pages
//   policy::stats<S>     stats::counted: stats() answers how often it was full, empty,
//                        contended, see queue/stats.hpp                                    default stats::none
//   policy::atomics<A>   the atomics model                                                 default atomics::standard
// Source    segments: A. Morrison, Y. Afek, "Fast concurrent queues for x86 processors", PPoPP 2013; P. Ramalhete,
//           "FAAArrayQueue", 2016; their chain: M. Michael, M. Scott, PODC 1996. Those take places by a fetch-add,
//           which never tells that somebody else is there; a compare-exchange does, and who knows it can rest: 2 to 3
//           times as fast with two threads at the same end.
#ifndef FRYS_QUEUE_SEGMENT_QUEUE_HPP
#define FRYS_QUEUE_SEGMENT_QUEUE_HPP

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
#include "detail/lost_race.hpp"
#include "detail/segments.hpp"
#include "policies.hpp"
#include "result.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class segment_queue {
  using accepted = policy::keys<policy::capacity_key, policy::limit_key, policy::layout_key, policy::pages_key,
                                policy::stats_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::segment_queue: unknown policy; it takes policy::capacity, policy::limit, policy::layout, "
                "policy::pages, policy::stats, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::segment_queue: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::segment_queue<T>: T must be an object type that moves and dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::segment_queue<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  using layout_type = typename policy::pick<policy::layout<layout::contiguous>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::segment_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>,
                "frys::segment_queue: policy::pages wants a page source, see core/concepts.hpp");
  static_assert(queue_layout<layout_type>,
                "frys::segment_queue: policy::layout wants a layout, see queue/policies.hpp");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::segment_queue: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");

 private:
  using side = typename stats_type::template side<atomics_type, false>;

 public:
  // Of one segment.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<256>, Policies...>::value;
  static_assert(std::has_single_bit(capacity) && capacity <= 16384,
                "frys::segment_queue: policy::capacity, of a segment, must be a power of two up to 16384");

  // What one segment counts for policy::limit.
  static constexpr std::size_t segment_bytes = sizeof(detail::segment<T, atomics_type, capacity>);

  segment_queue() = default;
  segment_queue(const segment_queue&) = delete;
  segment_queue& operator=(const segment_queue&) = delete;
  ~segment_queue() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (try_pop()) {
      }
  }

  // Any thread. On full (the limit is reached, or the memory source refused) and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Any thread. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    std::size_t one = 1;
    head* h = nullptr;
    std::uint64_t w = 0;
    if (const push_result got = take_places(h, w, one); !got) [[unlikely]] {
      if (got.is_full()) pushes_.refused();
      return got;
    }
    cell& c = cell_of(*h, w);
    detail::prefetch_to_write(&cell_of(*h, w + ahead));
    std::construct_at(&c.value.value, std::forward<Args>(args)...);
    // sync(segment_queue.publish): release; the value is whole before a consumer can have it.
    c.place.store(head::place_of(w), std::memory_order_release);
    return push_result::ok;
  }

  // Any thread. Moves in as many of `values` as there is room for, in order, and answers how many. Those that go to one
  // segment stand side by side, and take their places by one compare-exchange.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    std::size_t done = 0;
    while (done < values.size()) {
      std::size_t mine = values.size() - done;
      head* h = nullptr;
      std::uint64_t w = 0;
      const push_result got = take_places(h, w, mine);
      if (done == 0 && got.is_full()) pushes_.refused();
      if (!got) break;
      for (std::size_t i = 0; i < mine; ++i) {
        cell& c = cell_of(*h, w + i);
        std::construct_at(&c.value.value, std::move(values[done + i]));
        c.place.store(head::place_of(w), std::memory_order_release);  // sync(segment_queue.publish): release
      }
      done += mine;
    }
    return done;
  }

  // Any thread. Empty also while the push of the oldest value is under way.
  pop_result<T> try_pop() noexcept {
    std::uint64_t w = 0;
    head* h = nullptr;
    std::size_t one = 1;
    if (const pop_status got = claim(h, w, one); got != pop_status::value) return got;
    cell& c = cell_of(*h, w);
    pop_result<T> out(std::in_place, std::move(c.value.value));
    std::destroy_at(&c.value.value);
    carried_away(*h, 1);
    return out;
  }

  // Any thread. Moves up to out.size() values to `out`, oldest first, and answers how many: those that lie whole in one
  // segment, by one claim.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    if (out.empty()) return 0;
    std::uint64_t w = 0;
    head* h = nullptr;
    std::size_t count = (std::min)(out.size(), capacity);
    if (claim(h, w, count) != pop_status::value) return 0;
    for (std::size_t i = 0; i < count; ++i) {
      cell& c = cell_of(*h, w + i);
      out[i] = std::move(c.value.value);
      std::destroy_at(&c.value.value);
    }
    carried_away(*h, static_cast<std::uint32_t>(count));
    return count;
  }

  // Any thread; again is harmless.
  void close() noexcept {
    for (;;) {
      const std::uint64_t x = tail_.load(std::memory_order_acquire);  // sync(segment_queue.chain): acquire
      head& h = at(x);
      std::uint64_t w = h.push.load(std::memory_order_relaxed);  // relaxed: a guess; only exact ones are changed
      if ((w & head::closed) != 0) return;
      std::uint64_t next = h.next.load(std::memory_order_acquire);  // sync(segment_queue.chain): acquire
      if (!same_place(w, x) || !same_place(next, x)) continue;
      // Nobody shall stand behind the last one, ...
      if (number_in(next) == head::none) {
        // sync(segment_queue.close): release; a pop may learn of it from here.
        h.next.compare_exchange_strong(next, head::word(head::place_of(x), head::end), std::memory_order_release,
                                       std::memory_order_relaxed);
        continue;
      }
      if (number_in(next) != head::end) {
        pass_tail(x, next);
        continue;
      }
      // ... and then it takes nothing more. How many it took stays in the word.
      const std::uint64_t taken =
          (w & head::shut) != 0 ? 0 : (std::min)(w & head::index_mask, static_cast<std::uint64_t>(capacity));
      // sync(segment_queue.close): release; who learns of it sees what the closer did before.
      if (h.push.compare_exchange_strong(w, head::closed | taken << head::index_bits, std::memory_order_release,
                                         std::memory_order_relaxed))
        return;
    }
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    const std::uint64_t x = tail_.load(std::memory_order_acquire);            // sync(segment_queue.chain): acquire
    return (at(x).push.load(std::memory_order_acquire) & head::closed) != 0;  // sync(segment_queue.close): acquire
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    const std::uint64_t begin = popped();  // first, so that it is never ahead of the tail
    const std::uint64_t end = pushed();
    // Places wrap; half of all that there are is a tail that was looked at too early.
    constexpr std::uint64_t all = (head::place_mask + 1) * capacity;
    const std::uint64_t count = (end - begin) & (all - 1);
    return count <= all / 2 ? static_cast<std::size_t>(count) : 0;
  }
  // Any thread. With a policy::stats that counts, see stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires detail::counting_side<side> {
    queue_statistics out;
    out.pops = popped() - capacity, out.pushes = pushed() - capacity;  // the first segment stands at place 1
    out.full = pushes_.refusals(), out.empty = pops_.refusals();
    out.lost_push_races = pushes_.lost_races(), out.lost_pop_races = pops_.lost_races();
    return out;
  }
  // Any thread. Segments there are: the longest backlog, about.
  [[nodiscard]] std::size_t segments() const noexcept { return pool_.count(); }

 private:
  template <class, class...>
  friend class mpsc_queue;  // its producers' side is ours

  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using limit = typename policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>;
  using pool_type =
      detail::segment_pool<detail::segment<T, atomics_type, capacity>, atomics_type, pages_type, limit::value>;
  using head = typename pool_type::head;
  using segment = typename pool_type::segment;
  using cell = typename segment::cell;
  static_assert(pool_type::most >= 2,
                "frys::segment_queue: policy::limit must leave room for two segments; name a larger one, or a smaller "
                "policy::capacity");
  // How far in front of the value that is written the next lines are fetched.
  static constexpr std::size_t ahead = (std::max)(std::size_t{1}, 4 * cache_line / sizeof(cell));

  // tail_, head_ and next: a place in the chain, and the number of the segment that stands there.
  static constexpr std::uint64_t number_in(std::uint64_t x) noexcept { return x & head::index_mask; }
  static constexpr bool same_place(std::uint64_t a, std::uint64_t b) noexcept {
    return head::place_of(a) == head::place_of(b);
  }
  head& at(std::uint64_t x) noexcept {
    return number_in(x) == 0 ? origin_ : pool_.at(static_cast<std::uint32_t>(number_in(x)));
  }
  const head& at(std::uint64_t x) const noexcept { return const_cast<segment_queue*>(this)->at(x); }
  // All places taken up to the word `w` of the segment at x.
  static std::uint64_t taken_of(std::uint64_t x, std::uint64_t w) noexcept {
    std::uint64_t here = w & head::index_mask;
    if ((w & head::closed) != 0)
      here = (w & ~head::closed) >> head::index_bits;
    else if (!same_place(w, x))
      here = capacity;
    else if ((w & head::shut) != 0)
      here = 0;
    return head::place_of(x) * capacity + (std::min)(here, static_cast<std::uint64_t>(capacity));
  }
  [[nodiscard]] std::uint64_t pushed() const noexcept {
    const std::uint64_t last = tail_.load(std::memory_order_acquire);      // sync(segment_queue.chain): acquire
    return taken_of(last, at(last).push.load(std::memory_order_relaxed));  // relaxed: a number
  }
  [[nodiscard]] std::uint64_t popped() const noexcept {
    const std::uint64_t first = head_.load(std::memory_order_acquire);      // sync(segment_queue.chain): acquire
    return taken_of(first, at(first).pop.load(std::memory_order_relaxed));  // relaxed: a number
  }
  static cell& cell_of(head& h, std::uint64_t w) noexcept {
    return static_cast<segment&>(h)
        .cells[layout_type::template slot_of<capacity, sizeof(cell)>(static_cast<std::size_t>(w & (capacity - 1)))];
  }

  // `count` places at most, side by side in h from w on, are the caller's to fill.
  push_result take_places(head*& h, std::uint64_t& w, std::size_t& count) noexcept {
    for (detail::lost_race<atomics_type> race;;) {
      // sync(segment_queue.hint): acquire; the segment is built. Any segment will do: its word says whether it is the
      // one in use.
      h = push_hint_.load(std::memory_order_acquire);
      w = h->push.load(std::memory_order_relaxed);  // relaxed: a guess; the exchange decides
      if (head::taken_in(w) < capacity) [[likely]] {
        const std::size_t there = (std::min)(count, capacity - static_cast<std::size_t>(head::taken_in(w)));
        // sync(segment_queue.open): acquire; those that had our slots before are done with them. relaxed on failure: a
        // guess again.
        if (h->push.compare_exchange_weak(w, w + there, std::memory_order_acquire, std::memory_order_relaxed)) {
          count = there;
          return push_result::ok;
        }
        pushes_.lost_race();
        race.rest();
      } else if (const push_result got = next_to_push(); !got) {
        return got;
      }
    }
  }
  // Some segment takes values, or is about to: the hint leads there now. Or there is a reason why not.
  FRYS_NOINLINE push_result next_to_push() noexcept {
    for (;;) {
      // sync(segment_queue.chain): acquire; the segment, and its words of this place.
      const std::uint64_t x = tail_.load(std::memory_order_acquire);
      head& h = at(x);
      // sync(segment_queue.close): acquire; who is told closed sees what the closer did before.
      std::uint64_t w = h.push.load(std::memory_order_acquire);
      if ((w & head::closed) != 0) return push_result::closed;
      if (!same_place(w, x)) continue;  // the tail has gone on
      if ((w & head::shut) != 0) {
        open(h.push, w);
        continue;
      }
      if (head::taken_in(w) < capacity) {
        push_hint_.store(&h, std::memory_order_release);  // sync(segment_queue.hint): release; the segment is built.
        return push_result::ok;
      }
      // sync(segment_queue.chain): acquire; the segment behind, and its words.
      std::uint64_t next = h.next.load(std::memory_order_acquire);
      if (!same_place(next, x)) continue;
      if (number_in(next) == head::end) return push_result::closed;
      if (number_in(next) == head::none) {
        segment* s = pool_.take();
        if (s == nullptr) {
          if (h.next.load(std::memory_order_relaxed) != next) continue;  // relaxed: somebody else had one
          return push_result::full;
        }
        const std::uint64_t place = head::place_of(x) + 1;
        prepare(*s, place);
        const std::uint64_t wanted = head::word(place - 1, s->number);
        // sync(segment_queue.chain): release; the segment is prepared before anybody steps to it.
        if (!h.next.compare_exchange_strong(next, wanted, std::memory_order_release, std::memory_order_relaxed)) {
          pool_.give_back(*s);
          continue;
        }
        next = wanted;
      }
      pass_tail(x, next);
    }
  }
  // Some segment has values that nobody took, or is about to: `value`. Or nothing has.
  FRYS_NOINLINE pop_status next_to_pop() noexcept {
    for (;;) {
      const std::uint64_t x = head_.load(std::memory_order_acquire);  // sync(segment_queue.chain): acquire
      head& h = at(x);
      std::uint64_t w = h.pop.load(std::memory_order_relaxed);  // relaxed: a guess; only exact ones are changed
      if (!same_place(w, x)) continue;                          // the head has gone on
      if ((w & head::shut) != 0) {
        open(h.pop, w);
        continue;
      }
      if (head::taken_in(w) < capacity) {
        pop_hint_.store(&h, std::memory_order_release);  // sync(segment_queue.hint): release; the segment is built.
        return pop_status::value;
      }
      // sync(segment_queue.chain): acquire; the segment behind, and its words. sync(segment_queue.close): acquire.
      const std::uint64_t next = h.next.load(std::memory_order_acquire);
      if (!same_place(next, x)) continue;
      if (number_in(next) == head::none) return pop_status::empty;
      if (number_in(next) == head::end) return pop_status::closed;
      // The tail must not stay at a segment that goes. relaxed: we have seen the head here, and so the tail here or
      // later.
      if (tail_.load(std::memory_order_relaxed) == x) pass_tail(x, next);
      std::uint64_t expected = x;
      // sync(segment_queue.chain): release; passes on what we have seen of the segment.
      if (head_.compare_exchange_strong(expected, step(next), std::memory_order_release, std::memory_order_relaxed) &&
          &h != &origin_)
        carried_away(h, 1);
    }
  }

  // From `next` of the segment before to a word of tail_ and head_: they carry the place of their own segment.
  static constexpr std::uint64_t step(std::uint64_t next) noexcept {
    return head::word(head::place_of(next) + 1, number_in(next));
  }
  void pass_tail(std::uint64_t from, std::uint64_t next) noexcept {
    // sync(segment_queue.chain): release; passes on what we have seen of the segment.
    tail_.compare_exchange_strong(from, step(next), std::memory_order_release, std::memory_order_relaxed);
  }
  static void open(atomic<std::uint64_t>& word, std::uint64_t& shut) noexcept {
    // sync(segment_queue.open): release; the slots are free for those who see it open.
    word.compare_exchange_strong(shut, head::word(head::place_of(shut), 0), std::memory_order_release,
                                 std::memory_order_relaxed);
  }
  static void prepare(segment& s, std::uint64_t place) noexcept {
    // Places come again, and one that was used long ago must not make a slot look full. All slots of a segment were
    // last in use at one place. relaxed, all: published by the chain
    if (s.cells[0].place.load(std::memory_order_relaxed) == (place & head::place_mask)) [[unlikely]]
      for (cell& c : s.cells) c.place.store(~std::uint64_t{0}, std::memory_order_relaxed);
    // relaxed, all: published by the chain. Who still has the segment from before finds it shut, or changes nothing.
    s.push.store(head::shut | head::word(place, 0), std::memory_order_relaxed);
    s.pop.store(head::shut | head::word(place, 0), std::memory_order_relaxed);
    s.done.store(0, std::memory_order_relaxed);
    s.next.store(head::word(place, head::none), std::memory_order_relaxed);
  }

  // The oldest values, `count` at most and side by side in h from w on, are the caller's.
  pop_status claim(head*& h, std::uint64_t& w, std::size_t& count) noexcept {
    for (detail::lost_race<atomics_type> race;;) {
      h = pop_hint_.load(std::memory_order_acquire);  // sync(segment_queue.hint): acquire; as in try_emplace
      w = h->pop.load(std::memory_order_relaxed);     // relaxed: a guess; the slot and the exchange decide
      while (head::taken_in(w) < capacity) {
        const std::size_t whole = whole_from(*h, w, count);
        if (whole != 0) {
          // relaxed, both: the place carries no data, the slot does.
          if (h->pop.compare_exchange_weak(w, w + whole, std::memory_order_relaxed, std::memory_order_relaxed)) {
            count = whole;
            return pop_status::value;
          }
          pops_.lost_race();
          race.rest();
          w = h->pop.load(std::memory_order_relaxed);  // relaxed: as the first guess
          continue;
        }
        // relaxed: behind the slot's acquire; if nobody has taken the place, then its slot is empty.
        const std::uint64_t now = h->pop.load(std::memory_order_relaxed);
        if (now == w) {
          pops_.refused();
          return is_drained(*h, w) ? pop_status::closed : pop_status::empty;
        }
        pops_.lost_race();
        race.rest();
        w = h->pop.load(std::memory_order_relaxed);  // relaxed: as the first guess
      }
      if (const pop_status got = next_to_pop(); got != pop_status::value) {
        pops_.refused();
        return got;
      }
    }
  }
  // How many of the next `most` slots hold their value.
  static std::size_t whole_from(head& h, std::uint64_t w, std::size_t most) noexcept {
    const std::size_t there = (std::min)(most, capacity - static_cast<std::size_t>(head::taken_in(w)));
    std::size_t n = 0;
    // sync(segment_queue.publish): acquire; with relaxed a value could be read as it was before its constructor.
    while (n < there && cell_of(h, w + n).place.load(std::memory_order_acquire) == head::place_of(w)) ++n;
    return n;
  }
  // Closed, and the slot that w stands at will never be filled.
  static bool is_drained(head& h, std::uint64_t w) noexcept {
    // relaxed: a first look at a word that hardly ever changes; the other one orders
    if (h.next.load(std::memory_order_relaxed) != head::word(head::place_of(w), head::end)) [[likely]]
      return false;
    // sync(segment_queue.close): acquire; what was done before close. With this bit the count is final.
    const std::uint64_t push = h.push.load(std::memory_order_acquire);
    return (push & head::closed) != 0 && (push & ~head::closed) >> head::index_bits == head::taken_in(w);
  }

  // The caller has done with `n` values of h. The last one gives the segment back.
  void carried_away(head& h, std::uint32_t n) noexcept {
    // sync(segment_queue.vacate): acq_rel; all values are out of their slots before somebody builds over them.
    if (h.done.fetch_add(n, std::memory_order_acq_rel) + n == capacity + 1) [[unlikely]]
      pool_.give_back(static_cast<segment&>(h));
  }

  // Written once per segment.
  alignas(2 * cache_line) atomic<head*> push_hint_{&origin_};
  atomic<std::uint64_t> tail_{0};
  alignas(2 * cache_line) atomic<head*> pop_hint_{&origin_};
  atomic<std::uint64_t> head_{0};
  alignas(2 * cache_line) pool_type pool_;
  head origin_{capacity};
  [[no_unique_address]] side pushes_;
  [[no_unique_address]] side pops_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SEGMENT_QUEUE_HPP
