// sharing: what counts and keeps tables for one thread, or for many: by policy::atomics, and without it for one.
//
// Source  U. Drepper, "Futexes are tricky", 2011 (the mutex with three states).
#ifndef FRYS_MEMORY_DETAIL_SHARING_HPP
#define FRYS_MEMORY_DETAIL_SHARING_HPP

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/deadline.hpp"
#include "../../policy.hpp"

namespace frys::inline FRYS_ABI::detail {

// The atomics of a block that one thread uses: plain numbers.
struct unshared {
  template <class T>
  class atomic {
   public:
    constexpr atomic(T value = T{}) noexcept : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;
    T load(std::memory_order) const noexcept { return value_; }
    void store(T value, std::memory_order) noexcept { value_ = value; }
    T fetch_add(T n, std::memory_order) noexcept {
      const T before = value_;
      value_ = static_cast<T>(value_ + n);
      return before;
    }
    T fetch_sub(T n, std::memory_order) noexcept {
      const T before = value_;
      value_ = static_cast<T>(value_ - n);
      return before;
    }
    bool compare_exchange_strong(T& expected, T wanted, std::memory_order, std::memory_order) noexcept {
      if (value_ != expected) return expected = value_, false;
      value_ = wanted;
      return true;
    }
    bool compare_exchange_weak(T& expected, T wanted, std::memory_order a, std::memory_order b) noexcept {
      return compare_exchange_strong(expected, wanted, a, b);
    }

   private:
    T value_;
  };
  template <class T>
  using var = atomics::plain_var<T>;
  static void fence(std::memory_order) noexcept {}
  static void pause() noexcept {}
  static bool wait(const atomic<std::uint32_t>&, std::uint32_t, deadline) noexcept { return true; }
  static void notify_one(atomic<std::uint32_t>&) noexcept {}
  static void notify_all(atomic<std::uint32_t>&) noexcept {}
};

// The atomics of a block that is shared only where policy::atomics says so.
template <class... Policies>
using sharing = typename policy::pick<policy::atomics<unshared>, Policies...>::type;

// A mutex of one word, for short sections; nothing at all where nobody shares.
template <class Atomics>
class table_lock {
 public:
  void lock() noexcept {
    std::uint32_t seen = is_free;
    // sync(table_lock.hand_over): acquire; what the last holder did is ours. relaxed on failure: nothing is looked at.
    if (!word_.compare_exchange_strong(seen, is_taken, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]]
      wait();
  }
  void unlock() noexcept {
    // sync(table_lock.hand_over): release; what we did is done before the next one has it.
    if (word_.exchange(is_free, std::memory_order_release) == is_awaited) [[unlikely]]
      Atomics::notify_one(word_);
  }

 private:
  static constexpr std::uint32_t is_free = 0, is_taken = 1, is_awaited = 2;

  FRYS_NOINLINE void wait() noexcept {
    // sync(table_lock.hand_over): acquire; as in lock. From here on the word says that somebody may sleep.
    while (word_.exchange(is_awaited, std::memory_order_acquire) != is_free)
      Atomics::wait(word_, is_awaited, deadline::never());
  }

  typename Atomics::template atomic<std::uint32_t> word_{is_free};
};
template <>
class table_lock<unshared> {
 public:
  static void lock() noexcept {}
  static void unlock() noexcept {}
};

// Holds a lock for a scope.
template <class Lock>
class table_guard {
 public:
  explicit table_guard(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  table_guard(const table_guard&) = delete;
  table_guard& operator=(const table_guard&) = delete;
  ~table_guard() { lock_.unlock(); }

 private:
  Lock& lock_;
};

// Raises `highest` to `value`. relaxed: a number, which carries no data.
template <class Atomic, class T>
void raise(Atomic& highest, T value) noexcept {
  T seen = highest.load(std::memory_order_relaxed);
  while (seen < value &&
         !highest.compare_exchange_weak(seen, value, std::memory_order_relaxed, std::memory_order_relaxed)) {
  }
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_SHARING_HPP
