// async_event: coroutines wait until somebody has said that it is so; it stays so until reset.
//
// Use when  many wait for one thing that becomes true: started, connected, configured.
// Not when  each set shall let one through (async_semaphore), or it becomes true by counting (async_latch).
// Roles     every operation: any thread.
// Progress  is_set is wait-free, set and reset lock-free where nobody waits; where somebody does, by a lock of a few
//           instructions.
// Cost      a wait for what is so already: one load. set and reset: one compare-exchange. To wait allocates nothing:
//           the node lies in the coroutine's frame.
// Ordering  what was done before set happens-before what follows the wait that it ends, and an is_set that answers
//           true.
// Goes on   wait(): within set, on the thread that sets, before that returns (deep in such calls: a bit later, as
//           async_mutex says), in the order in which they came. wait(on): as work posted to `on`, which must outlive
//           the wait. Who was called goes on even if reset comes first.
// Errors    errc::cancelled where a stop was asked for while it waited.
// Lifetime  destroy it when nobody waits and nobody is within a call. A coroutine may be destroyed while it waits as
//           long as no other thread can set it or stop the wait meanwhile, and not between an executor's call and its
//           run (hardened builds check).
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_ASYNC_EVENT_HPP
#define FRYS_SCHED_ASYNC_EVENT_HPP

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
class async_event {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::async_event: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::async_event: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::async_event: policy::atomics wants an atomics model, see core/atomics.hpp");

  explicit async_event(bool is_set = false) noexcept : line_(is_set ? so : 0) {}
#if FRYS_HARDENED
  ~async_event() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT((line_.word.load(std::memory_order_relaxed) & taken) == 0,
                "async_event: destroyed while a coroutine waits");
  }
#endif

  [[nodiscard]] bool is_set() const noexcept {
    // sync(async_event.set): acquire; what was done before set is visible to who sees it.
    return (line_.word.load(std::memory_order_acquire) & so) != 0;
  }
  // Lets all go on who wait, and those who come until reset.
  void set() noexcept {
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below releases
    do {
      if ((seen & taken) != 0) return call_all();
      // sync(async_event.set): release; the second set of two publishes, too. relaxed on failure: another look.
    } while (!line_.word.compare_exchange_weak(seen, seen | so, std::memory_order_release, std::memory_order_relaxed));
  }
  // Those who come from now on wait. What was done before the set that it takes back is visible to who resets.
  void reset() noexcept {
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below acquires
    do {
      if ((seen & taken) != 0) return line_.leave(line_.enter() & ~so);
      // sync(async_event.set): acquire; who resets and then looks at what was announced does not miss it. relaxed on
      // failure: another look.
    } while (!line_.word.compare_exchange_weak(seen, seen & ~so, std::memory_order_acquire, std::memory_order_relaxed));
  }

 private:
  using line_type = detail::waiting_line<atomics_type, std::uint32_t>;
  static constexpr std::uint32_t so = line_type::unit, taken = line_type::busy | line_type::crowd;

  class awaiter final : public detail::line_awaiter<awaiter, atomics_type> {
    using base = detail::line_awaiter<awaiter, atomics_type>;

   public:
    explicit awaiter(async_event& of) noexcept : of_(&of) {}
    template <executor E>
    awaiter(async_event& of, E& on) noexcept : base(on), of_(&of) {}
    bool await_ready() const noexcept { return of_->is_set(); }
    result<void> await_resume() noexcept {
      if (!this->has_come()) return cancelled_error();
      return {};
    }

   private:
    friend base;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::uint32_t& word) const noexcept { return (word & so) != 0; }
    void left() noexcept {}
    void give_back() noexcept {}

    async_event* of_;
  };

 public:
  // co_await: result<void>. Where it must wait, the coroutine goes on within the call that sets.
  [[nodiscard]] awaiter wait() noexcept { return awaiter(*this); }
  // The same, and the coroutine goes on in work that is posted to `on`.
  template <executor E>
  [[nodiscard]] awaiter wait(E& on) noexcept {
    return awaiter(*this, on);
  }

 private:
  FRYS_NOINLINE void call_all() noexcept {
    intrusive_list<detail::line_waiter> called;
    const std::uint32_t word = line_.enter();
    while (!line_.empty()) line_.take_first_into(called);
    line_.leave(word | so);
    detail::call_all<atomics_type>(called);
  }

  line_type line_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ASYNC_EVENT_HPP
