// stats: what a queue counts while it runs, for policy::stats.
//
// Use when  a queue's user wants to know how often it was full, how often consumers came for nothing, and how often
//           threads were in each other's way.
// Cost      none: no byte and no instruction. counted: nothing where a push or a pop succeeds at once, for the queue
//           has those numbers anyway; where it has not, a pop stores one number more (mpsc_queue, a lazy spsc_ring) or
//           two (one that overwrites), and a steal adds to one (stealing_deque). A push that is told full, a pop that
//           finds nothing and a lost race each add one to a word: by a read-modify-write on a line of its side, where
//           the side is of several threads, else by a load and a store in its own line.
// Ordering  none: stats() answers numbers that may be a few events apart.
//
// none      counts nothing                       the default
// counted   the queue has stats(), which any thread may ask for a queue_statistics
// One's own a model S has `template <class Atomics, bool OneThread> side`, with `refused()` (told full, or found
//           nothing) and `lost_race()` (another thread took the place first), both noexcept; a queue has a side for its
//           producers and one for its consumers, and calls them from there. With `refusals()` and `lost_races()`, both
//           of std::uint64_t, the queue has stats().
#ifndef FRYS_QUEUE_STATS_HPP
#define FRYS_QUEUE_STATS_HPP

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct stats_key {};  // queue_stats (queue/stats.hpp)
template <class S>
struct stats {
  using key = stats_key;
  using type = S;
};
}  // namespace policy

// Since the queue began.
struct queue_statistics {
  std::uint64_t pushes = 0, pops = 0;                     // values that went in, and that came out
  std::uint64_t full = 0;                                 // pushes that were told full
  std::uint64_t empty = 0;                                // pops that found nothing, closed ones included
  std::uint64_t lost_push_races = 0, lost_pop_races = 0;  // places that another thread took first
  std::uint64_t missed = 0;                               // values overwritten before anybody popped them

  friend bool operator==(const queue_statistics&, const queue_statistics&) = default;
};

// Of a stealing_deque, since it began.
struct deque_statistics {
  std::uint64_t full = 0, empty = 0;   // the owner's pushes that were told full, its pops that found nothing
  std::uint64_t stolen = 0;            // values that thieves took
  std::uint64_t empty_steals = 0;      // steals that found nothing, closed ones included
  std::uint64_t lost_steal_races = 0;  // claims that another thread, or the owner, was faster than
  std::uint64_t growths = 0;           // larger memories that the owner moved to, the first one included

  friend bool operator==(const deque_statistics&, const deque_statistics&) = default;
};

namespace stats {

struct none {
  template <class Atomics, bool OneThread>
  struct side {
    static void refused() noexcept {}
    static void lost_race() noexcept {}
  };
};

struct counted {
  template <class Atomics, bool OneThread>
  class alignas(OneThread ? alignof(std::uint64_t) : 2 * cache_line) side {
    using number = typename Atomics::template atomic<std::uint64_t>;

   public:
    void refused() noexcept { add(refusals_); }
    void lost_race() noexcept { add(lost_races_); }
    // relaxed, both: numbers, not an order
    [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t lost_races() const noexcept { return lost_races_.load(std::memory_order_relaxed); }

   private:
    static void add(number& n) noexcept {
      // relaxed, all: as above
      if constexpr (OneThread)
        n.store(n.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      else
        n.fetch_add(1, std::memory_order_relaxed);
    }
    number refusals_{0}, lost_races_{0};
  };
};

}  // namespace stats

// A model for policy::stats.
template <class S, class A = atomics::standard>
concept queue_stats = requires(typename S::template side<A, true>& one, typename S::template side<A, false>& many) {
  { one.refused() }
  noexcept;
  { one.lost_race() }
  noexcept;
  { many.refused() }
  noexcept;
  { many.lost_race() }
  noexcept;
};

namespace detail {
// A side that can be asked.
template <class Side>
concept counting_side = requires(const Side& side) {
  { side.refusals() } -> std::same_as<std::uint64_t>;
  { side.lost_races() } -> std::same_as<std::uint64_t>;
};
static_assert(std::is_empty_v<stats::none::side<atomics::real, true>> &&
              std::is_empty_v<stats::none::side<atomics::real, false>>);

// A number shown to those who ask for stats(): where they can, else nothing. set: one thread; add: any.
template <class Atomics, bool Shown>
class shown_number {
 public:
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }  // relaxed, all: a number
  void add(std::uint64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  typename Atomics::template atomic<std::uint64_t> value_{0};
};
template <class Atomics>
class shown_number<Atomics, false> {
 public:
  static void set(std::uint64_t) noexcept {}
  static void add(std::uint64_t) noexcept {}
};
}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_STATS_HPP
