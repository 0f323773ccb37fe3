// shard_lock: a mutex of one word, for the short sections of writers; waits by a wait policy.
//
// Source  U. Drepper, "Futexes are tricky", 2011 (the mutex with three states).
#ifndef FRYS_QUEUE_DETAIL_SHARD_LOCK_HPP
#define FRYS_QUEUE_DETAIL_SHARD_LOCK_HPP

#include <atomic>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/deadline.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics, class Wait>
class shard_lock {
 public:
  void lock() noexcept {
    std::uint32_t seen = is_free;
    // sync(shard_lock.hand_over): acquire; what the last holder did is ours. relaxed on failure: nothing is looked at.
    if (!word_.compare_exchange_strong(seen, is_taken, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]]
      wait();
  }
  void unlock() noexcept {
    // sync(shard_lock.hand_over): release; what we did is done before the next one has it.
    if (word_.exchange(is_free, std::memory_order_release) == is_awaited) [[unlikely]]
      if constexpr (Wait::sleeps) Atomics::notify_one(word_);
  }

 private:
  static constexpr std::uint32_t is_free = 0, is_taken = 1, is_awaited = 2;

  FRYS_NOINLINE void wait() noexcept {
    // sync(shard_lock.hand_over): acquire; as in lock. From here on the word says that somebody may sleep.
    while (word_.exchange(is_awaited, std::memory_order_acquire) != is_free)
      Wait::template wait<Atomics>(word_, is_awaited, deadline::never());
  }

  typename Atomics::template atomic<std::uint32_t> word_{is_free};
};

// Holds a lock for a scope.
template <class Lock>
class held_lock {
 public:
  explicit held_lock(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  held_lock(const held_lock&) = delete;
  held_lock& operator=(const held_lock&) = delete;
  ~held_lock() { lock_.unlock(); }

 private:
  Lock& lock_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SHARD_LOCK_HPP
