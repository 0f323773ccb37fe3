// atomics::local: policy::atomics for objects that one thread uses alone: plain values, no read-modify-write, no fence.
//
// Use when  a block's users all live on one thread: the coroutines of one reactor and their mutexes, channels, queues.
// Not when  a second thread may touch the object, to close, stop or destroy it too: nothing would order the two.
// Threads   one at a time, handed on by something else than the object.
// Cost      of plain memory. A wait can have no end here, as nobody else could end it: hardened builds say so.
#ifndef FRYS_CORE_LOCAL_ATOMICS_HPP
#define FRYS_CORE_LOCAL_ATOMICS_HPP

#include <atomic>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "atomics.hpp"
#include "deadline.hpp"

namespace frys::inline FRYS_ABI::atomics {

// std::atomic's spelling on a plain value; the orders say nothing.
template <class T>
class local_atomic {
 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  constexpr local_atomic() noexcept : value_() {}
  constexpr local_atomic(T value) noexcept : value_(value) {}
  local_atomic(const local_atomic&) = delete;
  local_atomic& operator=(const local_atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const noexcept { return value_; }
  void store(T to, std::memory_order = std::memory_order_seq_cst) noexcept { value_ = to; }
  T exchange(T to, std::memory_order = std::memory_order_seq_cst) noexcept { return std::exchange(value_, to); }
  bool compare_exchange_strong(T& old, T to, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    if (value_ == old) [[likely]]
      return value_ = to, true;
    old = value_;
    return false;
  }
  bool compare_exchange_weak(T& old, T to, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(old, to);
  }
  template <class N>
  T fetch_add(N by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return std::exchange(value_, static_cast<T>(value_ + by));
  }
  template <class N>
  T fetch_sub(N by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return std::exchange(value_, static_cast<T>(value_ - by));
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    return std::exchange(value_, static_cast<T>(value_ | bits));
  }
  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    return std::exchange(value_, static_cast<T>(value_ & bits));
  }
  T fetch_xor(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    return std::exchange(value_, static_cast<T>(value_ ^ bits));
  }

 private:
  T value_;
};

struct local : machine_services {
  template <class T>
  using atomic = local_atomic<T>;
  template <class T>
  using var = plain_var<T>;

  static void fence(std::memory_order) noexcept {}
  static void pause() noexcept { alone(); }
  static bool wait(const local_atomic<std::uint32_t>& word, std::uint32_t old, deadline) noexcept {
    if (word.load() == old) alone();
    return true;
  }
  static void notify_one(local_atomic<std::uint32_t>&) noexcept {}
  static void notify_all(local_atomic<std::uint32_t>&) noexcept {}

 private:
  static void alone() noexcept { FRYS_ASSERT(false, "atomics::local: a thread waits for another one, but is alone"); }
};
static_assert(atomics_model<local>);

}  // namespace frys::inline FRYS_ABI::atomics

#endif  // FRYS_CORE_LOCAL_ATOMICS_HPP
