// relaxed_priority_queue: a priority queue between any number of threads, which gives out one of the first values, not
// always the very first.
//
// Use when  many threads take the most urgent work, and it may be a few places off: searches, schedulers, simulations
//           that tolerate it.
// Not when  the order must be exact (there is no fast queue for that: all threads meet at the first value), or the
//           ranks are few (lanes).
// Roles     handle(): one for each thread; one thread at a time uses it. close, and try_push and try_pop of the queue
//           itself: any thread. These throw the dice for each operation, so they are slower; with them the queue is a
//           closable_queue, as blocking and awaiting want one.
// Order     several heaps, each under a small lock. A push goes to one of them by dice, a pop takes the better of two.
//           Rank error: how many values were there that should have come first. It has no bound that always holds;
//           its mean stays below heaps * stickiness, whatever the number of values (a third of that, as measured by
//           tests/queue). With two heaps and one thread the order is exact. A handle's stats() sample it.
// Progress  blocking, narrowly: who meets a locked heap takes another one; a pop waits for a thread that is inside the
//           last heap that has values, and a push for one inside the last heap that has room.
// Cost      O(log n); a push, and a pop: two loads, a compare-exchange, two stores, and the heap's lines, which stay
//           with a thread while its choice does. A pop that finds nothing looks at each heap.
// Ordering  a push that answered ok happens-before the pop that takes its value. A pop answers empty only when no value
//           was there all the time that it took.
// Close     close(): pushes answer closed once it has returned; pops hand out what was accepted, then answer closed,
//           and only then. It waits for each heap's lock.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed. No handle may outlive it.
//
// Policies, in any order, each at most once:
//   policy::order<O>       which value comes first, see queue/order.hpp      default order::least_first
//                          Between heaps the lowest bit of a 64-bit rank does not count.
//   policy::heaps<N>       two to four for each thread that works at once    default 8
//   policy::stickiness<N>  operations before a thread chooses anew: more is
//                          faster and less exact                             default 16
//   policy::capacity<N>    values in each heap, in the object; a full queue
//                          answers full                                      default: they grow
//   policy::pages<P>       where growing heaps have their memory from        default heap_pages
//   policy::chunk_size<N>  bytes of a growing heap's first memory; it doubles   default 4096
//   policy::random<R>      the dice of a handle                              default its own
//   policy::atomics<A>     the atomics model                                 default standard
// Source    H. Rihani, P. Sanders, R. Dementiev, "MultiQueues: simple relaxed concurrent priority queues", SPAA 2015;
//           M. Williams, P. Sanders, R. Dementiev, "Engineering MultiQueues", ESA 2021. Here the lock is a bit of the
//           word that shows the heap's least rank.
#ifndef FRYS_QUEUE_RELAXED_PRIORITY_QUEUE_HPP
#define FRYS_QUEUE_RELAXED_PRIORITY_QUEUE_HPP

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/backoff.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/ranked_heap.hpp"
#include "order.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct heaps_key {};       // a number of heaps
struct stickiness_key {};  // a number of operations
template <std::size_t N>
struct heaps {
  using key = heaps_key;
  static constexpr std::size_t value = N;
};
template <std::size_t N>
struct stickiness {
  using key = stickiness_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

namespace detail {
class handle_dice {
 public:
  explicit handle_dice(std::uint64_t seed) noexcept : state_((seed + 1) * 0x9e3779b97f4a7c15u) {}
  std::uint64_t operator()() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1du;
  }

 private:
  std::uint64_t state_;
};
}  // namespace detail

template <class T, class... Policies>
class relaxed_priority_queue {
  using accepted = policy::keys<policy::order_key, policy::heaps_key, policy::stickiness_key, policy::capacity_key,
                                policy::pages_key, policy::chunk_size_key, policy::random_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::relaxed_priority_queue: unknown policy; it takes policy::order, policy::heaps, "
                "policy::stickiness, policy::capacity, policy::pages, policy::chunk_size, policy::random, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::relaxed_priority_queue: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::relaxed_priority_queue<T>: T must be an object type that moves and dies without throwing");
  static_assert(alignof(T) <= page_size,
                "frys::relaxed_priority_queue<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::relaxed_priority_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  using order_type = typename policy::pick<policy::order<order::least_first>, Policies...>::type;
  static_assert(value_order<order_type, T>,
                "frys::relaxed_priority_queue: policy::order wants a model that ranks T, see queue/order.hpp");
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::relaxed_priority_queue: policy::pages wants a page source, see core/concepts.hpp");
  using random_type = typename policy::pick<policy::random<detail::handle_dice>, Policies...>::type;
  static_assert(random_source<random_type> &&
                    (std::constructible_from<random_type, std::uint64_t> || std::default_initializable<random_type>),
                "frys::relaxed_priority_queue: policy::random wants a random source that is made of a seed or of "
                "nothing, see core/concepts.hpp");
  static constexpr std::size_t heap_count = policy::pick<policy::heaps<8>, Policies...>::value;
  static_assert(heap_count != 0 && heap_count <= 1u << 16,
                "frys::relaxed_priority_queue: policy::heaps must be 1 to 65536");
  static constexpr std::size_t stickiness = policy::pick<policy::stickiness<16>, Policies...>::value;
  static_assert(stickiness != 0 && stickiness <= 1u << 30,
                "frys::relaxed_priority_queue: policy::stickiness must be 1 to 2^30");
  // Of each heap; 0: it grows.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<0>, Policies...>::value;
  static_assert(
      capacity == 0 || (std::is_void_v<typename policy::detail::find<policy::pages_key, Policies...>::type> &&
                        std::is_void_v<typename policy::detail::find<policy::chunk_size_key, Policies...>::type>),
      "frys::relaxed_priority_queue: policy::capacity puts the values into the object; it goes without policy::pages "
      "and policy::chunk_size");

  class handle_type;

  relaxed_priority_queue() = default;
  relaxed_priority_queue(const relaxed_priority_queue&) = delete;
  relaxed_priority_queue& operator=(const relaxed_priority_queue&) = delete;

  // Any thread. One for each thread that pushes or pops.
  [[nodiscard]] handle_type handle() noexcept {
    return handle_type(*this, seeds_.fetch_add(1, std::memory_order_relaxed));  // relaxed: a number, not an order
  }

  // Any thread, without a handle. As a handle's, but each operation chooses anew and nothing is counted.
  push_result try_push(T&& value) noexcept { return once().try_push(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return once().try_push(value);
  }
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept { return once().try_emplace(std::forward<Args>(args)...); }
  pop_result<T> try_pop() noexcept { return once().try_pop(); }

  // Any thread; again is harmless.
  void close() noexcept {
    // sync(relaxed_priority_queue.closing): release; a push that is told closed sees what the closer did before. That
    // none is accepted once we return is the heaps' locks' doing.
    closing_.store(true, std::memory_order_release);
    for (heap& h : heaps_) {
      const lock held(h);
      h.is_closed = true;
    }
  }
  // Any thread; may be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::size_t n = 0;
    for (const heap& h : heaps_) n += h.size_hint.load(std::memory_order_relaxed);  // relaxed: a number, not an order
    return n;
  }

  // What the operations of a handle met with.
  struct statistics {
    std::uint64_t pushes = 0, pops = 0;  // that found room, or a value
    std::uint64_t taken_locks = 0;       // tries at a heap that another thread had
    std::uint64_t scans = 0;             // looks at all heaps: both of a pop's were empty, or a push's was full
    // The rank error, sampled at each 64th choice: in all samples, how many heaps showed a more urgent value than the
    // better one of the two that were chosen. Each has one value at least that should have come first, so more_urgent /
    // samples is a lower bound of the mean error at a choice; between choices it grows.
    std::uint64_t samples = 0, more_urgent = 0;
  };

  // What a thread pushes and pops with; one thread at a time. Moves, does not copy.
  class handle_type {
   public:
    using value_type = T;
    handle_type(handle_type&&) = default;
    handle_type& operator=(handle_type&&) = default;

    // On full (each heap was, at its turn, or the memory source refused) and closed the value is untouched.
    push_result try_push(T&& value) noexcept { return emplace(std::move(value)); }
    push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
      return emplace(value);
    }
    // Builds T(args...) in its slot.
    template <class... Args>
    requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
    noexcept { return emplace(std::forward<Args>(args)...); }

    // One of the first values. Empty: no value was there all the time.
    pop_result<T> try_pop() noexcept {
      for (backoff<atomics_type> patience;; patience.pause()) {
        if (pops_left_ == 0) choose_two();
        heap* from = &queue_->heaps_[pop_at_[0]];
        std::uint64_t seen = from->look();
        if constexpr (heap_count > 1) {
          heap& other = queue_->heaps_[pop_at_[1]];
          const std::uint64_t theirs = other.look();
          if (theirs < seen) from = &other, seen = theirs;
        }
        if (is_empty(seen)) [[unlikely]] {
          pops_left_ = 0;
          return scan();
        }
        if (lock held(*from, seen); held) [[likely]] {
          --pops_left_;
          ++count_.pops;
          return from->pop();
        }
        ++count_.taken_locks;
        pops_left_ = 0;
      }
    }

    // Of this handle, so far.
    [[nodiscard]] const statistics& stats() const noexcept { return count_; }

   private:
    friend class relaxed_priority_queue;
    handle_type(relaxed_priority_queue& q, std::uint64_t number) noexcept : queue_(&q), dice_(made_of(number)) {}
    static random_type made_of([[maybe_unused]] std::uint64_t number) noexcept {
      if constexpr (has_seed)
        return random_type(number);
      else
        return random_type();
    }
    // 0 .. n - 1.
    std::size_t below(std::size_t n) noexcept {
      return n == 1 ? 0 : static_cast<std::size_t>(((dice_() >> 32) * n) >> 32);
    }
    void choose_two() noexcept {
      pops_left_ = stickiness;
      pop_at_[0] = below(heap_count);
      if constexpr (heap_count > 1) {
        pop_at_[1] = below(heap_count - 1);
        if (pop_at_[1] >= pop_at_[0]) ++pop_at_[1];
      }
      if (++choices_ % 64 == 0) [[unlikely]]
        sample();
    }
    FRYS_NOINLINE void sample() noexcept {
      std::uint64_t mine = queue_->heaps_[pop_at_[0]].look();
      if constexpr (heap_count > 1) mine = (std::min)(mine, queue_->heaps_[pop_at_[1]].look());
      ++count_.samples;
      for (const heap& h : queue_->heaps_)
        if ((h.look() | locked_bit) < (mine & ~locked_bit)) ++count_.more_urgent;
    }

    template <class... Args>
    push_result emplace(Args&&... args) noexcept {
      for (backoff<atomics_type> patience;; patience.pause()) {
        if (pushes_left_ == 0) {
          pushes_left_ = stickiness;
          push_at_ = below(heap_count);
        }
        heap& to = queue_->heaps_[push_at_];
        if (lock held(to, to.look()); held) [[likely]] {
          const push_result got = queue_->emplace(to, std::forward<Args>(args)...);
          if (got) [[likely]] {
            --pushes_left_;
            ++count_.pushes;
            return got;
          }
          pushes_left_ = 0;
          if (got.is_closed()) return got;
          break;
        }
        ++count_.taken_locks;
        pushes_left_ = 0;
      }
      return emplace_anywhere(std::forward<Args>(args)...);
    }
    template <class... Args>
    FRYS_NOINLINE push_result emplace_anywhere(Args&&... args) noexcept {
      ++count_.scans;
      for (std::size_t i = 0; i < heap_count; ++i) {
        heap& to = queue_->heaps_[(push_at_ + i) % heap_count];
        const lock held(to);
        const push_result got = queue_->emplace(to, std::forward<Args>(args)...);
        if (got) ++count_.pushes;
        if (!got.is_full()) return got;
      }
      return push_result::full;
    }

    // Both heaps were empty: all are looked at.
    FRYS_NOINLINE pop_result<T> scan() noexcept {
      ++count_.scans;
      for (backoff<atomics_type> patience;; patience.pause()) {
        bool all_closed = true, all_empty = true;
        for (std::size_t i = 0; i < heap_count; ++i) {
          heap& from = queue_->heaps_[(pop_at_[0] + i) % heap_count];
          // sync(relaxed_priority_queue.close): acquire; who is told closed has what came before the close.
          const std::uint64_t seen = from.word.load(std::memory_order_acquire);
          all_closed = all_closed && (seen | locked_bit) == (closed_word | locked_bit);
          if (is_empty(seen)) continue;
          all_empty = false;
          if (lock held(from, seen); held) {
            ++count_.pops;
            return from.pop();
          }
          ++count_.taken_locks;
        }
        if (all_empty) return all_closed ? pop_status::closed : pop_status::empty;
      }
    }

    relaxed_priority_queue* queue_;
    std::size_t push_at_ = 0, pop_at_[2] = {0, 0};
    std::size_t pushes_left_ = 0, pops_left_ = 0;
    std::uint64_t choices_ = 0;
    random_type dice_;
    statistics count_;
  };

 private:
  static constexpr bool has_seed = std::constructible_from<random_type, std::uint64_t>;
  // A handle for one operation.
  handle_type once() noexcept {
    if constexpr (!has_seed)
      return handle_type(*this, 0);
    else if constexpr (requires { atomics_type::choose(1u); })
      return handle_type(*this, atomics_type::choose(1u << 16));  // by the thread's own dice
    else
      return handle();
  }

  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using slots_type = std::conditional_t<
      capacity != 0, detail::fixed_heap_slots<T, capacity>,
      detail::growing_heap_slots<T, pages_type, policy::pick<policy::chunk_size<4096>, Policies...>::value>>;

  // A heap's word: its least rank, or that it is empty, or empty and closed; and in the lowest bit whether somebody is
  // inside. The last ranks of all are shown as one that is a little less.
  static constexpr std::uint64_t locked_bit = 1;
  static constexpr std::uint64_t empty_word = ~std::uint64_t{0} - 1;
  static constexpr std::uint64_t closed_word = empty_word - 2;
  static constexpr std::uint64_t last_rank = closed_word - 2;
  static constexpr bool is_empty(std::uint64_t word) noexcept { return word > (last_rank | locked_bit); }

  struct alignas(2 * cache_line) heap {
    atomic<std::uint64_t> word{empty_word};
    atomic<std::size_t> size_hint{0};
    // Of who is inside.
    detail::ranked_heap<T, order_type, slots_type> values;
    bool is_closed = false;

    [[nodiscard]] std::uint64_t look() const noexcept {
      return word.load(std::memory_order_relaxed);  // relaxed: a guess, which the compare-exchange of the lock proves
    }
    pop_result<T> pop() noexcept {
      return values.pop([](T&& value) noexcept { return pop_result<T>(std::in_place, std::move(value)); });
    }
    [[nodiscard]] std::uint64_t shown() noexcept {
      if (values.size() == 0) [[unlikely]]
        return is_closed ? closed_word : empty_word;
      return (std::min)(values.least() & ~locked_bit, last_rank);
    }
  };

  // Inside of `to`.
  template <class... Args>
  push_result emplace(heap& to, Args&&... args) noexcept {
    if (closing_.load(std::memory_order_acquire)) [[unlikely]]  // sync(relaxed_priority_queue.closing): acquire
      return push_result::closed;
    if (!to.values.has_room()) [[unlikely]]
      return push_result::full;
    to.values.emplace(std::forward<Args>(args)...);
    return push_result::ok;
  }

  // Somebody is inside, if it is true.
  class lock {
   public:
    // If the heap's word is `seen`, and free.
    lock(heap& h, std::uint64_t seen) noexcept {
      // sync(relaxed_priority_queue.lock): acquire; what was done inside before is ours. relaxed on failure: nothing
      // is looked at.
      if ((seen & locked_bit) == 0 &&
          h.word.compare_exchange_strong(seen, seen | locked_bit, std::memory_order_acquire, std::memory_order_relaxed))
        heap_ = &h;
    }
    // Waits.
    explicit lock(heap& h) noexcept : lock(h, h.look()) {
      for (backoff<atomics_type> patience; heap_ == nullptr;) {
        patience.pause();
        std::uint64_t seen = h.look();
        // sync(relaxed_priority_queue.lock): as above.
        if ((seen & locked_bit) == 0 &&
            h.word.compare_exchange_strong(seen, seen | locked_bit, std::memory_order_acquire,
                                           std::memory_order_relaxed))
          heap_ = &h;
      }
    }
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;
    ~lock() {
      if (heap_ == nullptr) return;
      heap_->size_hint.store(heap_->values.size(), std::memory_order_relaxed);  // relaxed: a number, not an order
      // sync(relaxed_priority_queue.lock), sync(relaxed_priority_queue.close): release; what we did inside comes with
      // the free word, and what came before a close with the word that says so.
      heap_->word.store(heap_->shown(), std::memory_order_release);
    }
    explicit operator bool() const noexcept { return heap_ != nullptr; }

   private:
    heap* heap_ = nullptr;
  };

  heap heaps_[heap_count];
  alignas(2 * cache_line) atomic<std::uint64_t> seeds_{0};
  alignas(2 * cache_line) atomic<bool> closing_{false};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_RELAXED_PRIORITY_QUEUE_HPP
