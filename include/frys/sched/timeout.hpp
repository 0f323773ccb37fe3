// with_timeout: awaits something until a deadline; then it is asked to stop, and waited for.
//
// Use when  an answer is worth nothing later on, and what asks for it can be stopped.
// Not when  the deadline is the primitive's own affair (park_until), or only a sleep is wanted (the source's
//           sleep_until).
// Threads   what is awaited is started where it is awaited, the sleep after it; both may end on any thread, but for a
//           sleep that is withdrawn by its destruction: there all of it belongs to the source's thread.
// Progress  waits for what it awaits, also behind the deadline: it is late by as much as that needs to stop.
//           abandon_after does not: it destroys.
// Cost      two frames (frame_memory) and the source's timer; two atomic operations each.
// Errors    errc::timed_out. A thing that answers result<T> answers that; any other T becomes result<T>. Where the
//           deadline has passed and the thing answers a value all the same, by a result, it is not lost: it is the
//           answer. What a thing without a result answers too late is dropped. Exceptions pass.
// Stop      a stop that is asked of who waits reaches what is awaited; the answer is the thing's then.
// Lifetime  as when_all; the source outlives the wait.
//
//   result<reply> r = co_await with_timeout(timers, ask(server), deadline::after<clocks::steady>(50ms));
//
// A source  has sleep_until(deadline), which answers an awaitable: a reactor, a timer service, a simulated clock. Its
//           sleep ends early when a stop is asked for; or its awaiter has a member type `withdrawn_by_destruction`, and
//           is destroyed where it waits, on the source's thread.
//
// Policies, in any order, each at most once, as in with_timeout<policy::atomics<A>>(...):
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_TIMEOUT_HPP
#define FRYS_SCHED_TIMEOUT_HPP

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/deadline.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/join.hpp"

namespace frys::inline FRYS_ABI {

// What can be waited at for a point in time.
template <class S>
concept timer_source = requires(S& source, deadline until) {
  { source.sleep_until(until) } -> awaitable;
};

namespace detail {

template <class R>
struct timed_answer {
  using type = result<std::remove_cvref_t<R>>;
};
template <>
struct timed_answer<void> {
  using type = result<void>;
};
template <class R>
requires is_result<std::remove_cvref_t<R>>
struct timed_answer<R> {
  using type = std::remove_cvref_t<R>;
};

template <class Atomics>
class timeout_core : public join_core<Atomics> {
 public:
  using join_core<Atomics>::join_core;
  timeout_core(timeout_core&& other) noexcept : join_core<Atomics>(std::move(other)) {}

  enum : std::uint32_t { open, done, expired };
  // True for the first of the two.
  bool claim(std::uint32_t how) noexcept {
    std::uint32_t none = open;
    // relaxed: decides which came first; the count carries the rest to who waits
    return state_.compare_exchange_strong(none, how, std::memory_order_relaxed, std::memory_order_relaxed);
  }
  // relaxed: behind the count, or by who started the thing and learns no more than that it has ended
  std::uint32_t state() const noexcept { return state_.load(std::memory_order_relaxed); }

 private:
  typename Atomics::template atomic<std::uint32_t> state_{open};
};

template <class Source, class Thing, class Atomics, bool Abandons>
class [[nodiscard]] timeout_awaiter {
  using thing_result = await_result_t<Thing>;
  using sleep = decltype(std::declval<Source&>().sleep_until(deadline{}));
  using sleep_result = await_result_t<sleep>;
  using sleep_awaiter = std::remove_cvref_t<decltype(awaiter_of(std::declval<sleep>()))>;
  static constexpr bool withdraws = requires { typename sleep_awaiter::withdrawn_by_destruction; };
  static_assert(!Abandons || withdraws,
                "frys::abandon_after: the sleep of this source is not withdrawn_by_destruction: it may end on another "
                "thread; take with_timeout");
  using core = timeout_core<Atomics>;
  using answer = typename timed_answer<thing_result>::type;

 public:
  timeout_awaiter(Source& source, Thing&& thing, deadline until)
      : join_(&ended), source_(source), until_(until), thing_(static_cast<Thing&&>(thing)) {}
  timeout_awaiter(timeout_awaiter&&) = default;
  ~timeout_awaiter() { join_.abandon(); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) {
    thing_child_ = run_child<Thing>(thing_, thing_answer_);
    sleep_child_ = run_sleep(source_, until_, sleep_answer_);
    join_.of = this;
    join_.begin(waiting, 2);
    thing_child_.start(join_, 0, join_.token());
    if (join_.state() != core::open) {  // over already: no sleep
      (void)join_.drop();
      return join_.drop();
    }
    sleeps_ = true;
    // A sleep that is withdrawn need not listen: what is awaited does, or else the deadline holds in spite of the stop.
    sleep_child_.start(join_, 1, withdraws ? stop_token() : join_.token());
    return join_.drop();
  }
  answer await_resume() {
    join_.finish();
    const bool late = join_.state() == core::expired;
    if constexpr (Abandons)
      if (late) return late_error();
    if constexpr (is_result<std::remove_cvref_t<thing_result>>) {
      if (late && !*thing_answer_ && (*thing_answer_).error() == errc::cancelled) return late_error();
      return std::move(*thing_answer_);
    } else if (late) {
      return late_error();
    } else if constexpr (std::is_void_v<thing_result>) {
      return {};
    } else {
      return answer(std::in_place, std::move(*thing_answer_));
    }
  }

 private:
  static error late_error() noexcept { return {errc::timed_out, domain::sched, "the deadline passed first"}; }

  // Made here and not by who waits, so that the sleep is built where it is awaited: it need not move.
  static child run_sleep(Source& source, deadline until, slot_of<sleep_result>& into) {
    if constexpr (std::is_void_v<sleep_result>) {
      static_cast<void>(into);
      co_await source.sleep_until(until);
    } else {
      into.emplace(co_await source.sleep_until(until));
    }
  }
  // Whether the sleep has ended because it was time, not because of a stop.
  bool slept_enough() noexcept {
    if constexpr (is_result<std::remove_cvref_t<sleep_result>>)
      return static_cast<bool>(*sleep_answer_);
    else
      return !join_.token().stop_requested();
  }
  static std::coroutine_handle<> ended(join_base& by, std::size_t index, std::exception_ptr failure) noexcept {
    auto& self = *static_cast<timeout_awaiter*>(static_cast<linked_core&>(by).of);
    if (index == 0) {
      if (failure != nullptr) self.join_.fail(std::move(failure));
      if (self.join_.claim(core::done)) {
        if constexpr (withdraws) {
          if (self.sleeps_) {
            self.sleep_child_.reset();
            (void)self.join_.drop();
          }
        } else {
          self.join_.request_stop();
        }
      }
    } else {
      if constexpr (withdraws) self.sleeps_ = false;  // nothing to withdraw any more
      if (self.slept_enough() && self.join_.claim(core::expired)) {
        if constexpr (Abandons) {
          self.thing_child_.reset();
          (void)self.join_.drop();
        } else {
          self.join_.request_stop();
        }
      }
    }
    return self.join_.drop();
  }

  struct linked_core : core {
    using core::core;
    linked_core(linked_core&& other) noexcept : core(std::move(other)) {}
    timeout_awaiter* of = nullptr;
  };
  linked_core join_;  // outlives the children, who listen to it
  Source& source_;
  deadline until_;
  Thing thing_;
  slot_of<thing_result> thing_answer_;
  slot_of<sleep_result> sleep_answer_;
  bool sleeps_ = false;  // of the source's thread, where it matters
  child thing_child_;
  child sleep_child_;
};

}  // namespace detail

template <class... Policies, timer_source Source, awaitable Thing>
[[nodiscard]] auto with_timeout(Source& source, Thing&& thing, deadline until) {
  using policies = detail::join_policies<Policies...>;
  static_assert(policies::known, "frys::with_timeout: unknown policy; it takes policy::atomics and policy::world");
  static_assert(policies::unique, "frys::with_timeout: a policy is given twice; name each at most once");
  return detail::timeout_awaiter<Source, Thing, typename policies::atomics_type, false>(
      source, std::forward<Thing>(thing), until);
}

// The same for what does not listen to a stop, and waits on the source's thread alone: behind the deadline it is
// destroyed where it waits.
template <timer_source Source, awaitable Thing>
[[nodiscard]] auto abandon_after(Source& source, Thing&& thing, deadline until) {
  return detail::timeout_awaiter<Source, Thing, atomics::standard, true>(source, std::forward<Thing>(thing), until);
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TIMEOUT_HPP
