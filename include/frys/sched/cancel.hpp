// cancel: asking work to stop. stop_source asks, a stop_token travels down the tree of tasks, stop_hook is a wait's
// part. The token, the hook and what a wait does with them lie in core/stop_token.hpp, below all who wait.
//
// Use when  something that waits must be told that nobody wants its answer any more. To ask is all that happens: the
//           wait ends with errc::cancelled, its task gives back what it holds, ends, and is waited for like any other.
// Not when  the tasks live on one thread and may simply be destroyed where they wait (task_scope).
// Roles     request_stop, stop_requested, and hooks coming and going: any thread.
// Progress  request_stop, and a hook that comes or goes, hold a lock of a few instructions; one that goes while its
//           function runs on another thread waits for that function. stop_requested is wait-free.
// Cost      nothing is allocated; a source is 6 words, a hook 4, in whoever waits. A wait without a token pays a test
//           of a pointer, one with a token twice the lock.
// Ordering  what was done before request_stop happens-before what follows a stop_requested that answers true, and
//           before the functions of the hooks.
// Lifetime  the source outlives its tokens' uses and its call of request_stop: whose end the call may bring about holds
//           the source until it returns (when_any, with_timeout and async_scope do). Hooks leave before it ends.
//           Hardened builds check.
// Source    the shape of std::stop_token, in place as P2300's inplace_stop_token.
//
// A primitive with a lock and a list makes a wait of its own stoppable so:
//
//   struct awaiter : list_hook<> {
//     primitive& of;
//     std::coroutine_handle<> waiting;
//     stop_wait stop;
//     enum { pending, done, stopped } end = pending;         // under the lock
//     template <class Promise>
//     bool await_suspend(std::coroutine_handle<Promise> h) {
//       waiting = h;
//       if (!stop.begin(stop_token_of(h), *this, &on_stop))  // was asked for before: on_stop is not called
//         return end = stopped, false;
//       lock held(of);
//       if (end == stopped) return false;
//       if (of.can_have_it_now()) return end = done, false;
//       of.list.push_back(*this);                            // now it is of who takes it out, sets `done`, lets go of
//       return true;                                         // the lock and resumes
//     }
//     static stop_action on_stop(void* p) noexcept {         // any thread, from begin on
//       auto& self = *static_cast<awaiter*>(p);
//       lock held(self.of);
//       if (self.end != pending) return {};                  // too late
//       self.end = stopped;
//       if (!self.is_linked()) return {};                    // too early: await_suspend will see it
//       self.unlink();
//       return stop_action::resume(self.waiting);            // or post it and answer {}
//     }
//     result<void> await_resume() {
//       stop.end();                                          // on_stop is through
//       if (end == stopped) return cancelled_error();
//       return {};
//     }
//     ~awaiter() { stop.end(); of.withdraw(*this); }         // destroyed while it waits
//   };
//
// Policies of basic_stop_source, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_CANCEL_HPP
#define FRYS_SCHED_CANCEL_HPP

#include <atomic>
#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/backoff.hpp"
#include "../core/error.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/stop_token.hpp"
#include "../core/word_lock.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_stop_source : detail::stop_state {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_stop_source: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_stop_source: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_stop_source: policy::atomics wants an atomics model, see core/atomics.hpp");

  basic_stop_source() noexcept : detail::stop_state{&operations_} {}
  basic_stop_source(const basic_stop_source&) = delete;
  basic_stop_source& operator=(const basic_stop_source&) = delete;
#if FRYS_HARDENED
  ~basic_stop_source() { FRYS_ASSERT(hooks_.empty(), "stop_source: destroyed while somebody listens to it"); }
#endif

  [[nodiscard]] stop_token token() noexcept { return stop_token(*this); }
  [[nodiscard]] bool stop_requested() const noexcept {
    // sync(stop_source.request): acquire; what the requester did before is visible to who stops.
    return requested_.load(std::memory_order_acquire);
  }
  // Asks, and calls the hooks; true for the first call alone. When it returns, the functions of the hooks have run, and
  // so has what they left to do.
  bool request_stop() noexcept {
    lock_.lock();
    if (requested_.load(std::memory_order_relaxed)) {  // relaxed: written under the lock
      lock_.unlock();
      return false;
    }
    // sync(stop_source.request): release; for those who look without the lock.
    requested_.store(true, std::memory_order_release);
    while (stop_hook* const hook = hooks_.pop_front()) {
      // sync(stop_source.ran): release; who waits for the one before may see this one first: that one is through.
      running_.store(hook, std::memory_order_release);
      lock_.unlock();
      const stop_action then = hook->run_(hook->argument_);
      // sync(stop_source.ran): release; the function is through with the hook before its owner may end it.
      running_.store(nullptr, std::memory_order_release);
      if (then.run != nullptr) then.run(then.argument);
      lock_.lock();
    }
    lock_.unlock();
    return true;
  }

 private:
  using self_type = basic_stop_source;

  bool add(stop_hook& hook) noexcept {
    lock_.lock();
    const bool open = !requested_.load(std::memory_order_relaxed);  // relaxed: written under the lock
    if (open) hooks_.push_back(hook);
    lock_.unlock();
    return open;
  }
  void remove(stop_hook& hook) noexcept {
    lock_.lock();
    const bool was_here = hook.is_linked();
    if (was_here) hook.unlink();
    lock_.unlock();
    if (was_here) return;
    backoff<atomics_type> patience;
    // sync(stop_source.ran): acquire; the function has ended before what we do next, which may be the hook's end.
    while (running_.load(std::memory_order_acquire) == &hook) patience.pause();
  }
  static constexpr detail::stop_operations operations_{
      [](const detail::stop_state& s) noexcept { return static_cast<const self_type&>(s).stop_requested(); },
      [](detail::stop_state& s, stop_hook& hook) noexcept { return static_cast<self_type&>(s).add(hook); },
      [](detail::stop_state& s, stop_hook& hook) noexcept { static_cast<self_type&>(s).remove(hook); }};

  word_lock<atomics_type> lock_;
  intrusive_list<stop_hook> hooks_;  // under the lock
  typename atomics_type::template atomic<stop_hook*> running_{nullptr};
  typename atomics_type::template atomic<bool> requested_{false};
};
using stop_source = basic_stop_source<>;

// Calls f() when a stop is asked for, on the thread that asks, or at once if that was before. Its end waits for an f
// that runs on another thread; so f must not wait for who ends it, nor resume or end it itself.
template <std::invocable F>
class [[nodiscard]] stop_callback {
 public:
  template <class G>
  requires std::constructible_from<F, G> stop_callback(stop_token token, G&& f)
      : f_(std::forward<G>(f)), token_(token) {
    if (!token_) return;
    const stop_hook::function run = [](void* self) noexcept {
      static_cast<stop_callback*>(self)->f_();
      return stop_action{};
    };
    if (token_.add(hook_, run, this)) return;
    token_ = {};
    f_();
  }
  stop_callback(const stop_callback&) = delete;
  stop_callback& operator=(const stop_callback&) = delete;
  ~stop_callback() {
    if (token_) token_.remove(hook_);
  }

 private:
  F f_;
  stop_token token_;
  stop_hook hook_;
};
template <class G>
stop_callback(stop_token, G) -> stop_callback<G>;

// What a wait that was stopped answers.
[[nodiscard]] inline error cancelled_error() noexcept {
  return {errc::cancelled, domain::sched, "a stop was asked for"};
}

namespace this_task {

namespace detail {
struct token_reader {
  frys::stop_token token;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> asking) noexcept {
    token = frys::stop_token_of(asking);
    return false;
  }
  frys::stop_token await_resume() const noexcept { return token; }
};
}  // namespace detail

// co_await: the token of the task that asks.
[[nodiscard]] inline auto stop_token() noexcept { return detail::token_reader{}; }

}  // namespace this_task

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_CANCEL_HPP
