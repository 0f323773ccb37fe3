// from_callback: awaits what calls back: a C function, another library's operation.
//
// Use when  an operation is begun by a call and tells its end by another one, from whichever thread.
// Not when  it may tell more than once (a queue), or can be awaited already.
// Threads   the operation is begun where it is awaited. The callback: any thread, once; before the beginning call has
//           returned, too. Who waits goes on within it.
// Progress  waits for the callback, whatever happens: the operation holds its address.
// Cost      nothing is allocated; three atomic operations at most, four more where a stop meets it.
// Ordering  what was done before the callback was called happens-before what follows the wait.
// Errors    the answer is a result<T>: what the callback was given, or errc::cancelled where a stop came first; then
//           nothing is begun.
// Stop      `cancel` is called when a stop is asked for while the operation is under way, at most once, perhaps beside
//           its end: it must bear that it is too late, and may itself lead to the callback. It does not end the wait:
//           the callback does. Without it a stop waits for the end as well.
// Lifetime  who waits is not destroyed before the callback was called (hardened builds check).
//
//   result<int> n = co_await from_callback<int>([&](callback<int> done) {
//     c_read(file, [](void* p, int bytes) { callback<int>::from_address(p)(bytes); }, done.address());
//   }, [&] { c_cancel(file); });
//
// Policies, in any order, each at most once, as in from_callback<int, policy::atomics<A>>(...):
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_FROM_CALLBACK_HPP
#define FRYS_SCHED_FROM_CALLBACK_HPP

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "cancel.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
// Where a callback leads to.
template <class T>
struct callback_target {
  void (*complete)(callback_target&, result<T>&&) noexcept;
};
template <class T>
struct callback_value {
  using type = T;
};
template <>
struct callback_value<void> {
  struct type {};  // there is none to give
};
}  // namespace detail

// To be called once, by any copy. A pointer.
template <class T = void>
class callback {
 public:
  explicit callback(detail::callback_target<T>& to) noexcept : to_(&to) {}

  void operator()(typename detail::callback_value<T>::type value) const requires(!std::is_void_v<T>) {
    to_->complete(*to_, result<T>(std::in_place, std::move(value)));
  }
  void operator()() const noexcept requires std::is_void_v<T> { to_->complete(*to_, result<T>()); }
  void fail(error why) const noexcept { to_->complete(*to_, result<T>(why)); }

  // For C: the callback as a void*, and back.
  [[nodiscard]] void* address() const noexcept { return to_; }
  [[nodiscard]] static callback from_address(void* p) noexcept {
    return callback(*static_cast<detail::callback_target<T>*>(p));
  }

 private:
  detail::callback_target<T>* to_;
};

namespace detail {

struct no_cancel {
  void operator()() const noexcept {}
};

template <class T, class Begin, class Cancel, class Atomics>
class [[nodiscard]] callback_awaiter : callback_target<T> {
 public:
  callback_awaiter(Begin&& begin, Cancel&& cancel)
      : callback_target<T>{&complete}, begin_(std::forward<Begin>(begin)), cancel_(std::forward<Cancel>(cancel)) {}
  // Only before it is awaited.
  callback_awaiter(callback_awaiter&& other)
      : callback_target<T>{&complete},
        begin_(std::forward<Begin>(other.begin_)),
        cancel_(std::forward<Cancel>(other.cancel_)) {}
#if FRYS_HARDENED
  ~callback_awaiter() { FRYS_ASSERT(!begun_ || ended_, "from_callback: destroyed before the callback was called"); }
#endif

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) {
    const stop_token token = stop_token_of(waiting);
    if (token.stop_requested()) return false;
    waiting_ = waiting;
    begun_ = true;
    begin_(callback<T>(*this));
    // The callback may have been called; nobody goes on, and so this lives, until the state says that we stand.
    if constexpr (!std::same_as<std::remove_cvref_t<Cancel>, no_cancel>)
      if (!stop_.begin(token, *this, &on_stop)) cancel_();
    // sync(from_callback.state): acq_rel; what we wrote is there for who resumes us; the answer, if it is, for us.
    const std::uint32_t before = state_.fetch_add(standing, std::memory_order_acq_rel);
    // Called already: we go on at once. But not beside a cancel that is under way, which then resumes us.
    return before != completed;
  }
  result<T> await_resume() {
    stop_.end();
    ended_ = true;
    return std::move(answer_);
  }

 private:
  // Bits, each added once but `cancelling`, which comes and goes. The coroutine is resumed by whoever makes it standing
  // and completed and not cancelling: a cancel that calls back must be through before it goes on.
  static constexpr std::uint32_t standing = 1, completed = 2, cancelling = 4;

  static void complete(callback_target<T>& at, result<T>&& answer) noexcept {
    auto& self = static_cast<callback_awaiter&>(at);
    self.answer_ = std::move(answer);
    // sync(from_callback.state): acq_rel; the answer is there for who goes on; the handle for us.
    const std::uint32_t before = self.state_.fetch_add(completed, std::memory_order_acq_rel);
    FRYS_ASSERT((before & completed) == 0, "from_callback: called back twice");
    if (before == standing) self.waiting_.resume();
  }
  static stop_action on_stop(void* p) noexcept {
    auto& self = *static_cast<callback_awaiter*>(p);
    // relaxed: says that we are here; nothing is looked at, and the hook orders what we did before who goes on
    const std::uint32_t before = self.state_.fetch_add(cancelling, std::memory_order_relaxed);
    if ((before & completed) == 0) self.cancel_();
    // sync(from_callback.state): acquire; the handle and the answer are there for whom we resume.
    const std::uint32_t after = self.state_.fetch_add(~cancelling + 1, std::memory_order_acquire) - cancelling;
    if (after == (standing | completed) && before != after) return stop_action::resume(self.waiting_);
    return {};
  }

  Begin begin_;
  Cancel cancel_;
  result<T> answer_ = cancelled_error();
  std::coroutine_handle<> waiting_ = nullptr;
  stop_wait stop_;
  typename Atomics::template atomic<std::uint32_t> state_{0};
  bool begun_ = false;
  bool ended_ = false;
};

template <class... Policies>
struct callback_policies {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::from_callback: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::from_callback: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
};

}  // namespace detail

// begin(callback<T>) begins the operation.
template <class T, class... Policies, std::invocable<callback<T>> Begin>
[[nodiscard]] auto from_callback(Begin&& begin) {
  using atomics_type = typename detail::callback_policies<Policies...>::atomics_type;
  return detail::callback_awaiter<T, Begin, detail::no_cancel, atomics_type>(std::forward<Begin>(begin), {});
}
// cancel() asks it to end soon.
template <class T, class... Policies, std::invocable<callback<T>> Begin, std::invocable Cancel>
[[nodiscard]] auto from_callback(Begin&& begin, Cancel&& cancel) {
  using atomics_type = typename detail::callback_policies<Policies...>::atomics_type;
  return detail::callback_awaiter<T, Begin, Cancel, atomics_type>(std::forward<Begin>(begin),
                                                                  std::forward<Cancel>(cancel));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FROM_CALLBACK_HPP
