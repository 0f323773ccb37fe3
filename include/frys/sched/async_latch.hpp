// async_latch: coroutines wait until so many things have happened. It opens once.
//
// Use when  a known number of steps must be done before others go on: parts of a start, answers of all shards.
// Not when  tasks are waited for as a whole (task_scope::join, when_all), or it shall close again (async_event).
// Roles     every operation: any thread.
// Progress  try_wait is wait-free, count_down lock-free where nobody waits; where somebody does, by a lock of a few
//           instructions.
// Cost      count_down: one compare-exchange. A wait for an open one: one load. To wait allocates nothing: the node
//           lies in the coroutine's frame.
// Ordering  what was done before each count_down happens-before what follows every wait, and a try_wait that answers
//           true.
// Goes on   wait(): within the last count_down, on the thread that calls it, before that returns (deep in such calls: a
//           bit later, as async_mutex says), in the order in which they came. wait(on): as work posted to `on`, which
//           must outlive the wait.
// Errors    errc::cancelled where a stop was asked for while it waited; what was counted stays counted.
// Lifetime  destroy it when all waits have ended, the last of them because it opened; or when nobody is within a call.
//           A coroutine may be destroyed while it waits as long as no other thread can open it or stop the wait
//           meanwhile, and not between an executor's call and its run (hardened builds check).
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_ASYNC_LATCH_HPP
#define FRYS_SCHED_ASYNC_LATCH_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "detail/waiting_line.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class async_latch {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::async_latch: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::async_latch: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::async_latch: policy::atomics wants an atomics model, see core/atomics.hpp");

 private:
  using line_type = detail::waiting_line<atomics_type, std::size_t>;
  static constexpr std::size_t unit = line_type::unit, taken = line_type::busy | line_type::crowd;

 public:
  static constexpr std::size_t most = ~std::size_t{0} / unit;

  explicit async_latch(std::size_t count) noexcept : line_(count * unit) {
    FRYS_ASSERT(count <= most, "async_latch: more than it can count");
  }
#if FRYS_HARDENED
  ~async_latch() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT((line_.word.load(std::memory_order_relaxed) & taken) == 0,
                "async_latch: destroyed while a coroutine waits");
  }
#endif

  // Not more than are left. Behind the one that opens it, this may be gone.
  void count_down(std::size_t n = 1) noexcept {
    std::size_t seen = line_.word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below releases
    do {
      FRYS_ASSERT(n <= seen / unit, "async_latch: counted down below zero");
      if ((seen & taken) != 0) return count_in_line(n);
      // sync(async_latch.open): release; each of these exchanges continues the one before, so who sees zero sees what
      // was done before all of them. relaxed on failure: another look.
    } while (
        !line_.word.compare_exchange_weak(seen, seen - n * unit, std::memory_order_release, std::memory_order_relaxed));
  }
  // Whether it is open.
  [[nodiscard]] bool try_wait() const noexcept {
    // sync(async_latch.open): acquire; what was done before each count_down is visible.
    return line_.word.load(std::memory_order_acquire) / unit == 0;
  }

 private:
  class awaiter final : public detail::line_awaiter<awaiter, atomics_type> {
    using base = detail::line_awaiter<awaiter, atomics_type>;

   public:
    explicit awaiter(async_latch& of) noexcept : of_(&of) {}
    template <executor E>
    awaiter(async_latch& of, E& on) noexcept : base(on), of_(&of) {}
    bool await_ready() const noexcept { return of_->try_wait(); }
    result<void> await_resume() noexcept {
      if (!this->has_come()) return cancelled_error();
      return {};
    }

   private:
    friend base;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::size_t& word) const noexcept { return word / unit == 0; }
    void left() noexcept {}
    void give_back() noexcept {}

    async_latch* of_;
  };

 public:
  // co_await: result<void>. Where it must wait, the coroutine goes on within the count_down that opens it.
  [[nodiscard]] awaiter wait() noexcept { return awaiter(*this); }
  // The same, and the coroutine goes on in work that is posted to `on`.
  template <executor E>
  [[nodiscard]] awaiter wait(E& on) noexcept {
    return awaiter(*this, on);
  }
  // Counts one down, now, and then waits.
  [[nodiscard]] awaiter arrive_and_wait() noexcept {
    count_down();
    return wait();
  }
  template <executor E>
  [[nodiscard]] awaiter arrive_and_wait(E& on) noexcept {
    count_down();
    return wait(on);
  }

 private:
  FRYS_NOINLINE void count_in_line(std::size_t n) noexcept {
    intrusive_list<detail::line_waiter> called;
    const std::size_t word = line_.enter() - n * unit;
    if (word / unit == 0)
      while (!line_.empty()) line_.take_first_into(called);
    line_.leave(word);
    detail::call_all<atomics_type>(called);
  }

  line_type line_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ASYNC_LATCH_HPP
