// bag: an unbounded hand-over between any number of producer and consumer threads, in no common order: the fastest.
//
// Use when  it does not matter whose value comes first: jobs, buffers, results to be counted.
// Not when  values of several producers must keep one order (segment_queue, mpmc_ring), there is one thread at each end
//           (spsc_ring), or there is one consumer and threads cannot keep a handle (mpsc_queue).
// Roles     producer(): a handle to push by, consumer(): one to pop by; each for one thread at a time. close,
//           size_hint: any thread.
// Progress  a push is wait-free but for the step to another block, which is lock-free; a pop is lock-free. A thread
//           stopped inside a push hides nothing but that push; one stopped inside a pop, its portion.
// Portions  a consumer takes from one producer's chain up to half of what is there, policy::portion<N> values at most,
//           and hands them out one by one. They are that consumer's until its handle dies; then whoever finds nothing
//           else, or the next consumer, has what is left of them. So a consumer that stops popping keeps up to
//           portion - 1 values from the others; portion<1> has none of that, for two read-modify-writes a pop.
// Cost      push: three stores and two loads; no read-modify-write, no fence (asymmetric) or one (symmetric). pop: a
//           move, and two read-modify-writes per portion. close: a heavy fence. O(1), and at every policy::capacity'th
//           value the step to another block. A pop that finds nothing looks at every chain there is. Blocks are used
//           again; the memory of the longest backlog stays.
// Ordering  a consumer gets the values of one producer in the order they went in, portions that others left behind
//           aside. What a thread did before a push, or before close(), happens-before what another does that has its
//           value, or closed. Empty: there was a moment for each chain when nothing in it was to be had.
// Close     after close() every push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only when nothing will come any more, not even out of another consumer's portion.
// Lifetime  destroy it when no handle lives; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  values of a block, a power of two up to 16384                    default 512
//   policy::portion<N>   the most values that a consumer takes at once                    default 32
//   policy::seats<N>     the most producers, and the most consumers, at a time            default 64
//   policy::limit<N>     the most bytes of blocks, two of them at least; beyond: full     default none
//   policy::pages<P>     where slabs of blocks come from                                  default heap_pages
//   policy::fence<F>     fences::symmetric or asymmetric                                  default fences::asymmetric
//   policy::stats<S>     stats::counted: stats() answers how often it was full, empty,
//                        contended, see queue/stats.hpp; a value counts as popped when a
//                        consumer has it in its portion                                default stats::none
//   policy::atomics<A>   the atomics model                                                default atomics::standard
// Source    a chain of blocks for each producer: C. Desrochers, moodycamel::ConcurrentQueue, 2014.
#ifndef FRYS_QUEUE_BAG_HPP
#define FRYS_QUEUE_BAG_HPP

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
#include "../core/asymmetric_fence.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/segments.hpp"
#include "result.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct portion_key {};  // a number of elements
struct seats_key {};    // a number of handles

// The most values that a consumer takes at once.
template <std::size_t N>
struct portion {
  using key = portion_key;
  static constexpr std::size_t value = N;
};
// The most handles of a role that live at once.
template <std::size_t N>
struct seats {
  using key = seats_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

template <class T, class... Policies>
class bag {
  using accepted = policy::keys<policy::capacity_key, policy::portion_key, policy::seats_key, policy::limit_key,
                                policy::pages_key, policy::fence_key, policy::stats_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::bag: unknown policy; it takes policy::capacity, policy::portion, policy::seats, policy::limit, "
                "policy::pages, policy::fence, policy::stats, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::bag: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::bag<T>: T must be an object type that moves and dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::bag<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>, "frys::bag: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::bag: policy::pages wants a page source, see core/concepts.hpp");
  using fence_type = typename policy::pick<policy::fence<fences::asymmetric>, Policies...>::type;
  static_assert(fence_pair<fence_type, atomics_type>,
                "frys::bag: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(
      queue_stats<stats_type, atomics_type>,
      "frys::bag: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp");
  // Of one block.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<512>, Policies...>::value;
  static_assert(std::has_single_bit(capacity) && capacity <= 16384,
                "frys::bag: policy::capacity, of a block, must be a power of two up to 16384");
  static constexpr std::size_t most_at_once = policy::pick<policy::portion<32>, Policies...>::value;
  static_assert(most_at_once != 0, "frys::bag: policy::portion must be at least 1");
  static constexpr std::size_t seats = policy::pick<policy::seats<64>, Policies...>::value;
  static_assert(seats != 0, "frys::bag: policy::seats must leave a seat");

 private:
  using side = typename stats_type::template side<atomics_type, true>;
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using head = detail::segment_head<atomics_type>;
  struct block : head {
    detail::slot<T> places[capacity];
  };

 public:
  // What one block counts for policy::limit.
  static constexpr std::size_t block_bytes = sizeof(block);

 private:
  using limit = typename policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>;
  using pool_type = detail::segment_pool<block, atomics_type, pages_type, limit::value>;
  static_assert(pool_type::most >= 2,
                "frys::bag: policy::limit must leave room for two blocks; name a larger one, or a smaller "
                "policy::capacity");

  static constexpr std::uint32_t is_free = 0, is_taken = 1;
  static constexpr std::uint32_t is_holding = 2, is_left = 3;  // consumers: with a portion; left with one

  // Where a producer goes on: its last block, and how much of it is used.
  struct tail_type {
    head* last = nullptr;
    std::size_t used = capacity;
  };
  // What one producer has pushed. The words of its blocks: push, how many values are whole; pop, how many were taken,
  // and it is shut unless the block is the first of its chain; place, how often the block was in use before.
  struct chain {
    // The producer's.
    alignas(2 * cache_line) atomic<std::uint64_t> begun{0};  // values, also those that are under way
    atomic<std::uint32_t> state{is_free};
    typename atomics_type::template var<tail_type> tail;  // of the last producer, and for the next
    [[no_unique_address]] side pushes;
    // The consumers', written once per block. hint: where to look first, a block of any chain. first: how many blocks
    // were before it, modulo 2^38, and its number.
    alignas(2 * cache_line) atomic<head*> hint{nullptr};
    atomic<std::uint64_t> first{0};
    head origin{capacity};
  };
  // Some values of a block, the caller's.
  struct portion_type {
    head* from = nullptr;
    std::uint32_t at = 0;
    std::uint32_t left = 0;
    std::uint32_t taken = 0;
  };
  struct alignas(cache_line) consumer_seat {
    atomic<std::uint32_t> state{is_free};
    typename atomics_type::template var<portion_type> rest;  // where it was left with one
    [[no_unique_address]] side pops;
  };

 public:
  class producer_type;
  class consumer_type;

  bag() noexcept {
    fence_type::template prepare<atomics_type>();
    for (chain& c : chains_) {
      c.tail.ref().last = &c.origin;
      c.hint.store(&c.origin, std::memory_order_relaxed);  // relaxed: nobody else is here yet
    }
  }
  bag(const bag&) = delete;
  bag& operator=(const bag&) = delete;
  ~bag() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      portion_type p;
      consumer_seat nobody;
      for (chain& c : chains_)
        while (claim(c, nobody, p)) drop(p);
      for (consumer_seat& s : seats_)
        // relaxed: nobody else is here any more
        if (s.state.load(std::memory_order_relaxed) == is_left) drop(s.rest.ref());
    }
  }

  // Any thread: a handle for it. errc::full when all seats are taken.
  [[nodiscard]] result<producer_type> producer() noexcept {
    for (chain& c : chains_)
      if (take(c.state, is_free)) {
        raise(producers_, static_cast<std::size_t>(&c - chains_) + 1);
        return producer_type(*this, c);
      }
    return error{errc::full, domain::queue, "all seats of the bag are taken", static_cast<std::int64_t>(seats)};
  }
  [[nodiscard]] result<consumer_type> consumer() noexcept {
    // First where somebody has left something.
    for (consumer_seat& s : seats_)
      if (take(s.state, is_left, is_holding)) {
        left_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: says where it is worth looking
        return consumer_type(*this, s, s.rest.get());
      }
    for (consumer_seat& s : seats_)
      if (take(s.state, is_free)) return consumer_type(*this, s, portion_type{});
    return error{errc::full, domain::queue, "all seats of the bag are taken", static_cast<std::int64_t>(seats)};
  }

  // Any thread; again is harmless.
  void close() noexcept {
    // sync(bag.close): release; who learns of it sees what the closer did before.
    closed_.store(true, std::memory_order_release);
    (void)count_begun();
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return closed_.load(std::memory_order_acquire);  // sync(bag.close): acquire
  }
  // Any thread. Values that nobody has taken; may be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::uint64_t sum = 0;
    const std::size_t used = producers_.load(std::memory_order_relaxed);  // relaxed: a number, not an order
    for (std::size_t i = 0; i != used; ++i) {
      const std::uint64_t out = taken_of(chains_[i]);
      const std::uint64_t in = chains_[i].begun.load(std::memory_order_relaxed);  // relaxed: as above
      const std::uint64_t there = (in - out) & count_mask;
      sum += there <= count_mask / 2 ? there : 0;  // what was read first may be the older
    }
    return static_cast<std::size_t>(sum);
  }
  // Any thread. With a policy::stats that counts, see stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires detail::counting_side<side> {
    queue_statistics out;
    for (const chain& c : chains_) {
      out.pops += taken_of(c);
      out.pushes += c.begun.load(std::memory_order_relaxed);  // relaxed: a number, not an order
      out.full += c.pushes.refusals();
    }
    for (const consumer_seat& s : seats_) out.empty += s.pops.refusals(), out.lost_pop_races += s.pops.lost_races();
    return out;
  }

  // What a producer may do. Moves, does not copy; one thread at a time. Values stay when it dies.
  class producer_type {
   public:
    producer_type(producer_type&& other) noexcept
        : bag_(std::exchange(other.bag_, nullptr)), chain_(other.chain_), last_(other.last_), used_(other.used_) {}
    producer_type& operator=(producer_type&& other) noexcept {
      std::swap(bag_, other.bag_), std::swap(chain_, other.chain_);
      std::swap(last_, other.last_), std::swap(used_, other.used_);
      return *this;
    }
    ~producer_type() {
      if (bag_ == nullptr) return;
      chain_->tail.ref() = {last_, used_};
      chain_->state.store(is_free, std::memory_order_release);  // sync(bag.seat): release; the next one goes on there.
    }

    // On full (the limit is reached, or the memory source refused) and closed the value is untouched.
    push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
    push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
      return try_emplace(value);
    }
    // Builds T(args...) in the bag.
    template <class... Args>
    requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
    noexcept {
      if (const push_result got = begin(1); !got) [[unlikely]] {
        if (got.is_full()) chain_->pushes.refused();
        return got;
      }
      detail::slot<T>* slot = slots_of(*last_) + used_;
      detail::prefetch_to_write(slot + ahead);
      std::construct_at(&slot->value, std::forward<Args>(args)...);
      publish(1);
      return push_result::ok;
    }
    // Moves in as many of `values` as there is room for, in order, and answers how many.
    [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
      std::size_t done = 0;
      while (done < values.size()) {
        const std::size_t room = used_ == capacity ? capacity : capacity - used_;
        const std::size_t count = (std::min)(values.size() - done, room);
        const push_result got = begin(count);
        if (done == 0 && got.is_full()) chain_->pushes.refused();
        if (!got) break;
        detail::slot<T>* slot = slots_of(*last_) + used_;
        for (std::size_t i = 0; i < count; ++i) std::construct_at(&slot[i].value, std::move(values[done + i]));
        publish(count);
        done += count;
      }
      return done;
    }

   private:
    friend bag;
    producer_type(bag& b, chain& c) noexcept
        : bag_(&b), chain_(&c), last_(c.tail.get().last), used_(c.tail.get().used) {}

    static constexpr std::size_t ahead = (std::max)(std::size_t{1}, 4 * cache_line / sizeof(T));

    // `count` values, for which there is room in a block, are accepted: closed comes after them.
    push_result begin(std::size_t count) noexcept {
      if (used_ == capacity) [[unlikely]]
        if (const push_result got = next_block(); !got) return got;
      // relaxed: sync(bag.hand_shake) orders it; our own word
      const std::uint64_t begun = chain_->begun.load(std::memory_order_relaxed);
      chain_->begun.store(begun + count, std::memory_order_relaxed);
      // sync(bag.hand_shake): seq_cst, or the light half of it; either we see the bag closed, or who closes it counts
      // our values.
      fence_type::template light<atomics_type>();
      // sync(bag.close): acquire; who is told closed sees what the closer did before.
      if (!bag_->closed_.load(std::memory_order_acquire)) [[likely]]
        return push_result::ok;
      chain_->begun.store(begun, std::memory_order_relaxed);  // relaxed: too many only put off closed
      return push_result::closed;
    }
    void publish(std::size_t count) noexcept {
      used_ += count;
      // sync(bag.publish): release; the values are whole before a consumer can have them. relaxed: our own word
      const std::uint64_t w = last_->push.load(std::memory_order_relaxed);
      last_->push.store(w + count, std::memory_order_release);
    }
    FRYS_NOINLINE push_result next_block() noexcept {
      if (bag_->closed_.load(std::memory_order_acquire)) return push_result::closed;  // sync(bag.close): acquire
      block* next = bag_->pool_.take();
      if (next == nullptr) return push_result::full;
      prepare(*next);
      // sync(bag.chain): release; the block is prepared before anybody steps to it.
      last_->next.store(next->number, std::memory_order_release);
      last_ = next;
      used_ = 0;
      return push_result::ok;
    }

    bag* bag_;
    chain* chain_;
    head* last_;
    std::size_t used_;
  };

  // What a consumer may do. Moves, does not copy; one thread at a time. What it has left of a portion goes back.
  class consumer_type {
   public:
    consumer_type(consumer_type&& other) noexcept
        : bag_(std::exchange(other.bag_, nullptr)),
          seat_(other.seat_),
          mine_(other.mine_),
          turn_(other.turn_),
          stays_(other.stays_) {}
    consumer_type& operator=(consumer_type&& other) noexcept {
      std::swap(bag_, other.bag_), std::swap(seat_, other.seat_), std::swap(mine_, other.mine_);
      std::swap(turn_, other.turn_), std::swap(stays_, other.stays_);
      return *this;
    }
    ~consumer_type() {
      if (bag_ != nullptr) bag_->leave(*seat_, mine_);
    }

    pop_result<T> try_pop() noexcept {
      if (mine_.left == 0) [[unlikely]]
        if (const pop_status got = next_portion(); got != pop_status::value) {
          seat_->pops.refused();
          return got;
        }
      T& value = slots_of(*mine_.from)[mine_.at].value;
      pop_result<T> out(std::in_place, std::move(value));
      std::destroy_at(&value);
      ++mine_.at;
      if (--mine_.left == 0) [[unlikely]]
        bag_->end(*seat_, mine_);
      return out;
    }
    // Moves up to out.size() values to `out` and answers how many: what is left of a portion, or one more.
    [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
      if (out.empty()) return 0;
      if (mine_.left == 0 && next_portion() != pop_status::value) {
        seat_->pops.refused();
        return 0;
      }
      const std::size_t count = (std::min)(out.size(), static_cast<std::size_t>(mine_.left));
      detail::slot<T>* slot = slots_of(*mine_.from) + mine_.at;
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = std::move(slot[i].value);
        std::destroy_at(&slot[i].value);
      }
      mine_.at += static_cast<std::uint32_t>(count);
      mine_.left -= static_cast<std::uint32_t>(count);
      if (mine_.left == 0) bag_->end(*seat_, mine_);
      return count;
    }

   private:
    friend bag;
    consumer_type(bag& b, consumer_seat& s, const portion_type& mine) noexcept
        : bag_(&b), seat_(&s), mine_(mine), turn_(static_cast<std::size_t>(&s - b.seats_)) {}

    // From the chain of the last one, for a while; then from the others in turn.
    FRYS_NOINLINE pop_status next_portion() noexcept {
      const std::size_t used = bag_->producers_.load(std::memory_order_relaxed);  // relaxed: see raise
      if (stays_ == 0) ++turn_, stays_ = long_enough;
      if (turn_ >= used) turn_ = 0;
      for (std::size_t i = 0; i != used; ++i) {
        if (bag_->claim(bag_->chains_[turn_], *seat_, mine_)) {
          stays_ -= (std::min)(stays_, mine_.left);
          return pop_status::value;
        }
        if (++turn_ == used) turn_ = 0;
        stays_ = long_enough;
      }
      return bag_->claim_left(*seat_, mine_);
    }

    static constexpr std::uint32_t long_enough = 256;  // values

    bag* bag_;
    consumer_seat* seat_;
    portion_type mine_;
    std::size_t turn_;
    std::uint32_t stays_ = long_enough;
  };

 private:
  static detail::slot<T>* slots_of(head& h) noexcept { return static_cast<block&>(h).places; }
  static constexpr std::uint64_t index_in(std::uint64_t w) noexcept { return w & head::index_mask; }
  // Values are counted by blocks that are, and those are counted in the bits of a place.
  static constexpr std::uint64_t count_mask = capacity * (head::place_of(~std::uint64_t{0}) + 1) - 1;

  template <class State>
  static bool take(State& state, std::uint32_t from, std::uint32_t to = is_taken) noexcept {
    // sync(bag.seat): acquire; what the last holder did is done.
    return state.load(std::memory_order_relaxed) == from &&  // relaxed: a guess
           state.compare_exchange_strong(from, to, std::memory_order_acquire, std::memory_order_relaxed);
  }
  static void raise(atomic<std::size_t>& most, std::size_t to) noexcept {
    std::size_t now = most.load(std::memory_order_relaxed);  // relaxed, both: a number; who looks later sees more
    while (now < to && !most.compare_exchange_weak(now, to, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
  }

  // ---- blocks and chains

  static void prepare(block& b) noexcept {
    // relaxed: our own, since we have taken it. Who still has the block from before finds it shut, or changes nothing.
    const std::uint64_t place = head::place_of(b.push.load(std::memory_order_relaxed)) + 1;
    b.done.store(0, std::memory_order_relaxed);  // relaxed: published with the first value
    // sync(bag.use): release, all three; who sees one of them knows that the block has left the chain it was in.
    b.push.store(head::word(place, 0), std::memory_order_release);
    b.pop.store(head::shut | head::word(place, 0), std::memory_order_release);
    b.next.store(head::none, std::memory_order_release);
  }
  head& at(chain& c, std::uint64_t first) noexcept {
    return index_in(first) == 0 ? c.origin : pool_.at(static_cast<std::uint32_t>(index_in(first)));
  }

  // The first block of c that is not used up; it is in use then, and the hint leads there. nullptr: all of c is taken.
  FRYS_NOINLINE head* look_for_more(chain& c) noexcept {
    for (;;) {
      std::uint64_t first = c.first.load(std::memory_order_acquire);  // sync(bag.chain): acquire
      head& h = at(c, first);
      // sync(bag.use): acquire, all three; if one of them is of a later use of the block, then we see below that the
      // chain has left it. sync(bag.claim): who took what we find taken has said so; sync(bag.chain): the block behind.
      std::uint64_t w = h.pop.load(std::memory_order_acquire);
      const std::uint64_t p = h.push.load(std::memory_order_acquire);
      const std::uint64_t next = h.next.load(std::memory_order_acquire);
      if (c.first.load(std::memory_order_relaxed) != first) continue;  // relaxed: behind those acquires
      if ((w & head::shut) != 0) {
        // relaxed, both: the values are published one by one
        h.pop.compare_exchange_strong(w, w & ~head::shut, std::memory_order_relaxed, std::memory_order_relaxed);
        continue;
      }
      if (index_in(w) < capacity) {
        // sync(bag.hint): release; the block is built. relaxed: only to leave the line where it is
        if (c.hint.load(std::memory_order_relaxed) != &h) c.hint.store(&h, std::memory_order_release);
        return index_in(p) > index_in(w) ? &h : nullptr;
      }
      if (next == head::none) return nullptr;
      // sync(bag.chain): release; passes on what we have seen of the block.
      if (c.first.compare_exchange_strong(first, head::word(head::place_of(first) + 1, next), std::memory_order_release,
                                          std::memory_order_relaxed) &&
          &h != &c.origin)
        carried_away(h, 1);
    }
  }
  // How many values of c consumers have taken, modulo the mask below.
  std::uint64_t taken_of(chain& c) noexcept {
    for (;;) {
      const std::uint64_t first = c.first.load(std::memory_order_acquire);  // sync(bag.chain): acquire
      head& h = at(c, first);
      // sync(bag.claim): acquire; who has a portion has said so. sync(bag.use): acquire, as above
      const std::uint64_t w = h.pop.load(std::memory_order_acquire);
      if (c.first.load(std::memory_order_relaxed) != first) continue;  // relaxed: behind those acquires
      if (&h == &c.origin) return 0;
      return (head::place_of(first) - 1) * capacity + ((w & head::shut) != 0 ? 0 : index_in(w));
    }
  }
  std::uint64_t taken_of(const chain& c) const noexcept {
    return const_cast<bag*>(this)->taken_of(const_cast<chain&>(c));
  }

  // The caller has done with `n` values of h. The last one gives the block back.
  void carried_away(head& h, std::uint32_t n) noexcept {
    // sync(bag.vacate): acq_rel; all values are out of their slots before somebody builds over them.
    if (h.done.fetch_add(n, std::memory_order_acq_rel) + n == capacity + 1) [[unlikely]]
      pool_.give_back(static_cast<block&>(h));
  }

  // ---- portions

  bool claim(chain& c, consumer_seat& seat, portion_type& mine) noexcept {
    // sync(bag.hint): acquire; the block is built. Any block will do, also of another chain: one that is not shut is
    // the first of some chain. But that there is nothing is for look_for_more to say.
    head* h = c.hint.load(std::memory_order_acquire);
    do {
      std::uint64_t w = h->pop.load(std::memory_order_relaxed);  // relaxed: a guess; the exchange decides
      while (head::taken_in(w) < capacity) {
        // sync(bag.publish): acquire; with relaxed a value could be read as it was before its constructor.
        const std::uint64_t p = h->push.load(std::memory_order_acquire);
        if (head::place_of(p) != head::place_of(w) || index_in(p) <= index_in(w)) break;
        const std::uint64_t there = index_in(p) - index_in(w);
        const auto n = static_cast<std::uint32_t>((std::min)(std::uint64_t{most_at_once}, (there + 1) / 2));
        if (n != 1) seat.state.store(is_holding, std::memory_order_relaxed);  // relaxed: published by the claim
        // sync(bag.claim): release; who finds all taken finds out who holds some. relaxed: on failure another guess
        if (h->pop.compare_exchange_weak(w, w + n, std::memory_order_release, std::memory_order_relaxed)) {
          mine = {h, static_cast<std::uint32_t>(index_in(w)), n, n};
          return true;
        }
        seat.pops.lost_race();
      }
    } while ((h = look_for_more(c)) != nullptr);
    return false;
  }
  // All of the portion has been popped.
  void end(consumer_seat& seat, portion_type& mine) noexcept {
    carried_away(*mine.from, mine.taken);
    seat.state.store(is_taken, std::memory_order_relaxed);  // relaxed: says only that nothing more comes from here
  }
  // The consumer goes, and leaves what it has to others.
  void leave(consumer_seat& seat, const portion_type& mine) noexcept {
    if (mine.left != 0) {
      seat.rest.ref() = mine;
      left_.fetch_add(1, std::memory_order_relaxed);  // relaxed: says where it is worth looking
    }
    seat.state.store(mine.left != 0 ? is_left : is_free, std::memory_order_release);  // sync(bag.seat): release
  }
  // No chain has anything: perhaps somebody has left something. Else, why there is nothing.
  FRYS_NOINLINE pop_status claim_left(consumer_seat& seat, portion_type& mine) noexcept {
    if (left_.load(std::memory_order_relaxed) != 0) {  // relaxed: as in leave
      for (consumer_seat& s : seats_) {
        if (s.state.load(std::memory_order_relaxed) != is_left) continue;  // relaxed: a guess
        seat.state.store(is_holding, std::memory_order_relaxed);           // relaxed: published by `moves_`
        if (!take(s.state, is_left, is_holding)) continue;                 // holding until the move is counted
        mine = s.rest.get();
        left_.fetch_sub(1, std::memory_order_relaxed);      // relaxed: as in leave
        moves_.fetch_add(1, std::memory_order_release);     // sync(bag.move): release; our seat says that we hold some
        s.state.store(is_free, std::memory_order_release);  // sync(bag.seat): release; who sees it sees the move
        return pop_status::value;
      }
    }
    // relaxed, both: our own, after claims that failed
    if (seat.state.load(std::memory_order_relaxed) != is_taken) seat.state.store(is_taken, std::memory_order_relaxed);
    return is_drained() ? pop_status::closed : pop_status::empty;
  }
  // All pushes that were not told closed are counted in `begun`: true from some time after close() on.
  bool count_begun() noexcept {
    if (counted_.load(std::memory_order_acquire)) return true;  // sync(bag.counted): acquire
    // sync(bag.hand_shake): seq_cst, the heavy half: between closed_ and what is read of `begun`.
    if (!fence_type::template heavy<atomics_type>()) return false;  // the system refuses: the next pop tries again
    counted_.store(true, std::memory_order_release);                // sync(bag.counted): release
    return true;
  }
  bool is_drained() noexcept {
    if (!is_closed()) [[likely]]
      return false;
    if (!count_begun()) return false;
    const std::uint32_t before = moves_.load(std::memory_order_acquire);  // sync(bag.move): acquire
    for (chain& c : chains_)
      // relaxed: final, or too large for a moment
      if (((c.begun.load(std::memory_order_relaxed) - taken_of(c)) & count_mask) != 0) return false;
    for (consumer_seat& s : seats_) {
      const std::uint32_t state = s.state.load(std::memory_order_acquire);  // sync(bag.seat): acquire
      if (state == is_holding || state == is_left) return false;
    }
    return moves_.load(std::memory_order_relaxed) == before;  // relaxed: behind those acquires
  }
  static void drop(portion_type& p) noexcept {
    for (; p.left != 0; --p.left) std::destroy_at(&slots_of(*p.from)[p.at++].value);
  }

  // Written when a seat is taken for the first time, and when a portion is left.
  alignas(2 * cache_line) atomic<std::size_t> producers_{0};
  atomic<bool> closed_{false};
  atomic<bool> counted_{false};
  atomic<std::uint32_t> left_{0};
  atomic<std::uint32_t> moves_{0};
  pool_type pool_;
  chain chains_[seats];
  consumer_seat seats_[seats];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_BAG_HPP
