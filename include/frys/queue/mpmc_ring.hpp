// mpmc_ring: a bounded FIFO between any number of producer and consumer threads.
//
// Use when  several threads share a bounded backlog and the caller can cope with "full".
// Not when  there is one thread at each end (spsc_ring: several times faster) or no bound (mpsc_queue).
// Roles     every operation: any thread.
// Progress  no operation waits for another thread, but a thread stopped between taking its place and finishing hides
//           what stands behind its slot: pops answer empty, and pushes full a lap later, until it goes on. Not
//           lock-free in the strict sense, therefore.
// Cost      O(1), no allocation: one compare-exchange, one store. The slots lie in the object.
// Ordering  a push that answered ok happens-before the pop that takes its value. Strict FIFO by the order in which
//           places were taken; values of one producer keep their order.
// Close     after close() every try_push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only then, also when a push was under way.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two   default 1024
//   policy::atomics<A>   the atomics model                        default atomics::standard
// Source    D. Vyukov, "Bounded MPMC queue", 2010; the turns, which allow capacity 1, as in E. Rigtorp's MPMCQueue.
#ifndef FRYS_QUEUE_MPMC_RING_HPP
#define FRYS_QUEUE_MPMC_RING_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../policy.hpp"
#include "detail/slot.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class mpmc_ring {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::mpmc_ring: unknown policy; it takes policy::capacity, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpmc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpmc_ring<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpmc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::mpmc_ring: policy::capacity must be a power of two");

  mpmc_ring() = default;
  mpmc_ring(const mpmc_ring&) = delete;
  mpmc_ring& operator=(const mpmc_ring&) = delete;
  ~mpmc_ring() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (try_pop()) {
      }
  }

  // Any thread. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Any thread. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (;;) {
      if ((at & closed_bit) != 0) [[unlikely]]
        return push_result::closed;
      cell& c = cells_[at & mask];
      const std::uint64_t mine = turn_of(at);
      // sync(mpmc_ring.vacate): acquire; the old value is gone before we build over it. With relaxed our constructor's
      // writes could land ahead of the last consumer's reads.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          std::construct_at(&c.slot.value, std::forward<Args>(args)...);
          // sync(mpmc_ring.publish): release; the value is whole before a consumer can have it.
          c.turn.store(mine + 1, std::memory_order_release);
          return push_result::ok;
        }
      } else {
        const std::uint64_t now = tail_.load(std::memory_order_relaxed);  // relaxed: as the first guess
        // The slot still holds the value of a lap ago: full, unless our guess was an old one.
        if (now == at) return push_result::full;
        at = now;
      }
    }
  }

  // Any thread. Empty also while the push of the oldest value is under way.
  pop_result<T> try_pop() noexcept {
    std::uint64_t at = head_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (;;) {
      cell& c = cells_[at & mask];
      const std::uint64_t mine = turn_of(at) + 1;
      // sync(mpmc_ring.publish): acquire; with relaxed we could read the slot before its value was written.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          pop_result<T> out(std::in_place, std::move(c.slot.value));
          std::destroy_at(&c.slot.value);
          // sync(mpmc_ring.vacate): release; we are done with the slot before a producer can build over it.
          c.turn.store(mine + 1, std::memory_order_release);
          return out;
        }
      } else {
        const std::uint64_t now = head_.load(std::memory_order_relaxed);  // relaxed: as the first guess
        if (now == at) {
          // relaxed: with closed_bit the tail is final, and equal to our place: no value can be in front of us.
          return tail_.load(std::memory_order_relaxed) == (at | closed_bit) ? pop_status::closed : pop_status::empty;
        }
        at = now;
      }
    }
  }

  // Any thread; again is harmless. Freezes the tail: a push has its place already, or will not get one.
  void close() noexcept { tail_.fetch_or(closed_bit, std::memory_order_relaxed); }  // relaxed: carries no data
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return (tail_.load(std::memory_order_relaxed) & closed_bit) != 0;  // relaxed: a flag
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order. Head first, so that it is never ahead of tail.
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed) & ~closed_bit;
    return (std::min)(static_cast<std::size_t>(tail - head), capacity);
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t mask = capacity - 1;
  static constexpr int lap_shift = std::countr_zero(capacity);

  // Even turns: free for the push of lap turn/2. Odd: holds that lap's value.
  struct cell {
    atomic<std::uint64_t> turn{0};
    detail::slot<T> slot;
  };
  static constexpr std::uint64_t turn_of(std::uint64_t at) noexcept { return (at >> lap_shift) * 2; }

  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  alignas(2 * cache_line) atomic<std::uint64_t> head_{0};
  alignas(2 * cache_line) cell cells_[capacity];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPMC_RING_HPP
