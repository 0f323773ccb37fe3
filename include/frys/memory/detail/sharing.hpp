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
#include "../../core/wait.hpp"
#include "../../core/word_lock.hpp"
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

// For short sections; nothing at all where nobody shares.
template <class Atomics>
struct table_lock : word_lock<Atomics, wait::park> {};
template <>
struct table_lock<unshared> {
  static void lock() noexcept {}
  static void unlock() noexcept {}
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
