// seqlock: one value of several words that few threads write and many read; readers write nothing.
//
// Use when  a small value (a configuration, a clock's parameters, a price) is read far more often than written.
// Not when  T owns something or is large (rcu_cell), every value must be seen (broadcast_ring), or the writer never
//           rests: readers then try again and again.
// Roles     load, try_load, stores: any thread. store, update: the writer; the role may move to another thread if
//           something orders the hand-over. Where several threads write, all of them use store_locked and update_locked
//           instead: these take the sequence's lowest bit as their lock.
// Progress  store, update and try_load are wait-free. load tries again while a store is under way: it waits for a
//           writer that was stopped half way. store_locked and update_locked wait for the writer that has the lock.
// Cost      load: 2 loads of the sequence and one of each word; no write, no read-modify-write, no fence instruction on
//           x86 (one on Arm). store: 2 stores and one of each word. The locked forms add one compare-exchange. Sequence
//           and value lie in one cache line if T has up to 56 bytes. Alone in memory only if you see to that
//           (cache_aligned).
// Ordering  what a thread did before the store happens-before what follows the load that has its value. Stores have one
//           order, and no thread sees it go back.
// Lifetime  destroy it when no other thread can call it.
//
// Policies:
//   policy::atomics<A>  the atomics model  default atomics::standard
// Source    C. Lameter, "Effective synchronization on Linux/NUMA systems", 2005; the orders: H.-J. Boehm, MSPC 2012.
#ifndef FRYS_QUEUE_SEQLOCK_HPP
#define FRYS_QUEUE_SEQLOCK_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/backoff.hpp"
#include "../core/cache_line.hpp"
#include "../policy.hpp"
#include "detail/atomic_words.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class seqlock {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::seqlock: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::seqlock: a policy is given twice; name each at most once");
  static_assert(std::is_trivially_copyable_v<T> && std::is_move_constructible_v<T>,
                "frys::seqlock<T>: T must be trivially copyable; for what owns something take rcu_cell");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::seqlock: policy::atomics wants an atomics model, see core/atomics.hpp");

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using words = detail::atomic_words<T, atomics_type>;
  using copy = typename words::copy;

 public:
  seqlock() noexcept requires std::is_nothrow_default_constructible_v<T> : seqlock(T{}) {}
  explicit seqlock(const T& value) noexcept { words_.store(value); }
  seqlock(const seqlock&) = delete;
  seqlock& operator=(const seqlock&) = delete;

  // Any thread. The newest value, whole.
  [[nodiscard]] T load() const noexcept {
    copy c;
    if (!copied(c)) [[unlikely]]
      c = when_free();
    return words::value(c);
  }
  // Any thread. False when each of `tries` looks met a store under way; then `into` is untouched.
  [[nodiscard]] bool try_load(T& into, unsigned tries = 1) const noexcept requires std::is_move_assignable_v<T> {
    copy c;
    for (; tries != 0; --tries) {
      if (copied(c)) {
        into = words::value(c);
        return true;
      }
      atomics_type::pause();
    }
    return false;
  }
  // Any thread. How many stores have been completed; may be stale on return.
  [[nodiscard]] std::uint64_t stores() const noexcept {
    return sequence_.load(std::memory_order_relaxed) / 2;  // relaxed: a number, not an order
  }

  // Writer only.
  void store(const T& value) noexcept {
    const std::uint64_t before = sequence_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    sequence_.store(before + 1, std::memory_order_relaxed);                  // relaxed: the fence in `write` orders it
    write(before, value);
  }
  // Writer only. f(value) changes a copy, which is then stored; if f throws, nothing is.
  template <class F>
  requires std::is_invocable_v<F&, T&>
  void update(F&& f) noexcept(std::is_nothrow_invocable_v<F&, T&>) {
    copy c;
    words_.load(c);
    T value = words::value(c);
    f(value);
    store(value);
  }

  // Any thread, if all writers use the locked forms.
  void store_locked(const T& value) noexcept {
    for (backoff<atomics_type> patience;; patience.pause()) {
      std::uint64_t before;
      if (free_at(before) && locked(before)) return write(before, value);
    }
  }
  // Any thread, if all writers use the locked forms. f(value) changes a copy, which is stored if nobody else has stored
  // meanwhile; otherwise f runs again, on the new value. f runs outside the lock; if it throws, nothing is stored.
  template <class F>
  requires std::is_invocable_v<F&, T&>
  void update_locked(F&& f) noexcept(std::is_nothrow_invocable_v<F&, T&>) {
    for (backoff<atomics_type> patience;; patience.pause()) {
      std::uint64_t before;
      copy c;
      if (!free_at(before) || !copied(c, before)) continue;
      T value = words::value(c);
      f(value);
      if (locked(before)) return write(before, value);
    }
  }

 private:
  // A copy that no store has touched.
  bool copied(copy& into) const noexcept {
    std::uint64_t before;
    return free_at(before) && copied(into, before);
  }
  bool free_at(std::uint64_t& sequence) const noexcept {
    // sync(seqlock.publish): acquire; the words are at least as new as the sequence. With relaxed we could see this
    // sequence twice and words of the value before it; and a writer's words could stand behind its predecessor's.
    sequence = sequence_.load(std::memory_order_acquire);
    return sequence % 2 == 0;
  }
  bool copied(copy& into, std::uint64_t before) const noexcept {
    words_.load(into);
    // sync(seqlock.begin): acquire fence; if a word was of a later store, the look below finds that store's odd
    // sequence. Without it the look may come ahead of the words.
    atomics_type::fence(std::memory_order_acquire);
    return sequence_.load(std::memory_order_relaxed) == before;  // relaxed: the fence above orders it
  }
  FRYS_NOINLINE copy when_free() const noexcept {
    copy c;
    backoff<atomics_type> patience;
    do {
      patience.pause();
    } while (!copied(c));
    return c;
  }

  bool locked(std::uint64_t before) noexcept {
    // relaxed, both: what the sequence at `before` has published is known from the look at it, and if this succeeds
    // nobody has stored since.
    return sequence_.compare_exchange_strong(before, before + 1, std::memory_order_relaxed, std::memory_order_relaxed);
  }
  // The sequence is odd, and ours.
  void write(std::uint64_t before, const T& value) noexcept {
    // sync(seqlock.begin): release fence; who sees one of our words sees the odd sequence. Without it words could come
    // ahead of it.
    atomics_type::fence(std::memory_order_release);
    words_.store(value);
    // sync(seqlock.publish): release; the words are there before the even sequence says so.
    sequence_.store(before + 2, std::memory_order_release);
  }

  static constexpr std::size_t bytes = sizeof(std::uint64_t) + sizeof(T);
  static constexpr std::size_t alignment = bytes >= cache_line ? cache_line : std::bit_ceil(bytes);

  // Odd while a store is under way. It does not wrap: 2^63 stores.
  alignas(alignment) atomic<std::uint64_t> sequence_{0};
  words words_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SEQLOCK_HPP
