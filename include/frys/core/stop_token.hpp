// stop_token: the listening side of cancellation: a token that tells whether somebody asks for a stop, and a wait's
// part in it. Who asks, and how a wait takes part, stands in sched/cancel.hpp.
//
// It lies below the room of its source so that whatever waits, on any floor, can listen: a token is a pointer to a
// source of any kind.
#ifndef FRYS_CORE_STOP_TOKEN_HPP
#define FRYS_CORE_STOP_TOKEN_HPP

#include <concepts>
#include <coroutine>
#include <utility>

#include "../config.hpp"
#include "intrusive_list.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_stop_source;
template <std::invocable F>
class stop_callback;

// What is left to do when a hook's function has returned and its hook may be gone: whom to resume, or nothing.
struct stop_action {
  void (*run)(void* argument) noexcept = nullptr;
  void* argument = nullptr;

  static stop_action resume(std::coroutine_handle<> waiting) noexcept {
    return {[](void* frame) noexcept { std::coroutine_handle<>::from_address(frame).resume(); }, waiting.address()};
  }
};

// Stands with a source from add to remove. Its function is called at most once, by the thread that asks for the stop,
// without a lock held. It must be short: who removes the hook waits for it. So it resumes nobody itself, destroys
// neither the hook nor what holds it, and answers what shall be done afterwards.
class stop_hook : public list_hook<> {
 public:
  using function = stop_action (*)(void* argument) noexcept;
  stop_hook() = default;

 private:
  template <class...>
  friend class basic_stop_source;
  friend class stop_token;
  function run_ = nullptr;
  void* argument_ = nullptr;
};

namespace detail {
struct stop_state;
struct stop_operations {
  bool (*requested)(const stop_state&) noexcept;
  bool (*add)(stop_state&, stop_hook&) noexcept;
  void (*remove)(stop_state&, stop_hook&) noexcept;
};
// What a token names: a source of any atomics model.
struct stop_state {
  const stop_operations* operations;
};
}  // namespace detail

// Whether somebody asks for a stop. Empty: nobody ever will. A copy of a pointer.
class stop_token {
 public:
  template <class F>
  using callback_type = stop_callback<F>;

  constexpr stop_token() noexcept = default;

  // False for an empty one.
  [[nodiscard]] constexpr bool stop_possible() const noexcept { return state_ != nullptr; }
  [[nodiscard]] bool stop_requested() const noexcept {
    return state_ != nullptr && state_->operations->requested(*state_);
  }
  explicit operator bool() const noexcept { return stop_possible(); }

  // True: `hook` stands with the source, run(argument) is called when a stop is asked for. False: one was asked for,
  // and run will not be called. Not on an empty token.
  [[nodiscard]] bool add(stop_hook& hook, stop_hook::function run, void* argument) const noexcept {
    hook.run_ = run;
    hook.argument_ = argument;
    return state_->operations->add(*state_, hook);
  }
  // For a hook whose add answered true: its function does not run any more when this returns.
  void remove(stop_hook& hook) const noexcept { state_->operations->remove(*state_, hook); }

  friend constexpr bool operator==(const stop_token&, const stop_token&) noexcept = default;

 private:
  template <class...>
  friend class basic_stop_source;
  explicit stop_token(detail::stop_state& state) noexcept : state_(&state) {}
  detail::stop_state* state_ = nullptr;
};

// A promise that knows its coroutine's token. Those of frys do; a user's does by this member.
template <class P>
concept stoppable_promise = requires(const P& promise) {
  { promise.get_stop_token() } -> std::convertible_to<stop_token>;
};

// The token of a coroutine that waits; empty where its promise has none.
template <class Promise>
[[nodiscard]] stop_token stop_token_of(std::coroutine_handle<Promise> waiting) noexcept {
  if constexpr (stoppable_promise<Promise>)
    return waiting.promise().get_stop_token();
  else
    return {};
}

// A wait's part in it, as a member of an awaiter.
class stop_wait {
 public:
  stop_wait() = default;
  stop_wait(const stop_wait&) = delete;
  stop_wait& operator=(const stop_wait&) = delete;
  ~stop_wait() { end(); }

  // False: a stop was asked for before, and on_stop(&of) will not be called. Otherwise on_stop may be called from now
  // on by another thread, before this returns even. Before the awaiter stands where others find it.
  template <class T>
  [[nodiscard]] bool begin(stop_token token, T& of, stop_hook::function on_stop) noexcept {
    if (!token) return true;
    if (!token.add(hook_, on_stop, &of)) return false;
    token_ = token;
    return true;
  }
  // on_stop does not run any more when this returns. By whoever goes on or ends the awaiter; not within on_stop.
  void end() noexcept {
    if (token_) std::exchange(token_, stop_token{}).remove(hook_);
  }
  // Between begin and end, whether a stop has been asked for.
  [[nodiscard]] bool requested() const noexcept { return token_.stop_requested(); }

 private:
  stop_hook hook_;
  stop_token token_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_STOP_TOKEN_HPP
