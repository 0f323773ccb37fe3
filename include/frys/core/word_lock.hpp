// word_lock: a mutex of one word, for the short sections of blocks that cannot do without; held_lock holds it.
//
// Use when  a section is a few instructions, and rare or narrowly shared: a table that grows, a list of free places.
// Not when  the section waits for anything, or a lock-free block serves (queue/).
// Threads   any. Not recursive: who holds it and locks it again waits for ever.
// Progress  blocking; how is the wait policy's. Who waits sleeps where that policy sleeps.
// Cost      free: a compare-exchange and an exchange. A system call only where somebody has waited.
// Ordering  what a holder did happens-before what the next one does.
// Lifetime  destroy it when nobody holds it or waits for it.
// Source    U. Drepper, "Futexes are tricky", 2011 (the mutex with three states).
#ifndef FRYS_CORE_WORD_LOCK_HPP
#define FRYS_CORE_WORD_LOCK_HPP

#include <atomic>
#include <cstdint>

#include "../config.hpp"
#include "atomics.hpp"
#include "deadline.hpp"
#include "wait.hpp"

namespace frys::inline FRYS_ABI {

// Atomics: an atomics model; Wait: a wait policy (core/wait.hpp).
template <class Atomics = atomics::standard, class Wait = wait::spin_then_park>
class word_lock {
 public:
  void lock() noexcept {
    std::uint32_t seen = is_free;
    // sync(word_lock.hand_over): acquire; what the last holder did is ours. relaxed on failure: nothing is looked at.
    if (!word_.compare_exchange_strong(seen, is_taken, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]]
      wait();
  }
  void unlock() noexcept {
    // sync(word_lock.hand_over): release; what we did is done before the next one has it.
    if (word_.exchange(is_free, std::memory_order_release) == is_awaited) [[unlikely]]
      if constexpr (Wait::sleeps) Atomics::notify_one(word_);
  }

 private:
  static constexpr std::uint32_t is_free = 0, is_taken = 1, is_awaited = 2;

  FRYS_NOINLINE void wait() noexcept {
    // sync(word_lock.hand_over): acquire; as in lock. From here on the word says that somebody may sleep.
    while (word_.exchange(is_awaited, std::memory_order_acquire) != is_free)
      Wait::template wait<Atomics>(word_, is_awaited, deadline::never());
  }

  typename Atomics::template atomic<std::uint32_t> word_{is_free};
};

// Holds a lock for a scope.
template <class Lock>
class [[nodiscard]] held_lock {
 public:
  explicit held_lock(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  held_lock(const held_lock&) = delete;
  held_lock& operator=(const held_lock&) = delete;
  ~held_lock() { lock_.unlock(); }

 private:
  Lock& lock_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_WORD_LOCK_HPP
