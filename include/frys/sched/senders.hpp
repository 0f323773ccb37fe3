// senders: tasks as senders, and senders as something to await, by shape: connect, start, set_value, set_error,
// set_stopped are members, as P2300 has them. No sender library is included.
//
// Use when  a program composes its work by a sender library, and tasks shall stand in it, or the other way round.
// Not when  all of it is coroutines (await them) or callbacks (from_callback).
// Threads   as the sender's: it completes on any thread, and who waits goes on there.
// Cost      as_awaitable: one frame (frame_memory), the operation state lies in it. as_sender: one frame; the operation
//           state holds the task.
// Errors    as_awaitable answers a result<T>: set_stopped is errc::cancelled, set_error takes an error, or a
//           std::exception_ptr, which is rethrown. as_sender: an exception is set_error(std::exception_ptr); a task
//           that answers a result tells its error by set_error(error), errc::cancelled by set_stopped, its value by
//           set_value.
// Stop      as_awaitable's receiver has the token of who waits: get_env().get_stop_token(), whose callback_type is that
//           of stop tokens elsewhere. as_sender asks the receiver's environment for one of this type.
// Lifetime  an operation state stays where it is from start to its completion, and may be destroyed by it.
// Source    P2300R10, std::execution (M. Dominiak et al.).
#ifndef FRYS_SCHED_SENDERS_HPP
#define FRYS_SCHED_SENDERS_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/result.hpp"
#include "cancel.hpp"
#include "detail/join.hpp"
#include "from_callback.hpp"
#include "task.hpp"

namespace frys::inline FRYS_ABI {

// What connect answers.
template <class O>
concept operation_state = std::is_object_v<O> && requires(O& operation) {
  { operation.start() }
  noexcept;
};

// What an operation completes, once, by one of the three.
template <class R, class... Values>
concept receiver_of = std::move_constructible<R> && requires(R&& receiver, Values&&... values) {
  std::move(receiver).set_value(std::forward<Values>(values)...);
  std::move(receiver).set_stopped();
};

// What can be connected with a receiver R.
template <class S, class R>
concept sender_to = requires(S&& sender, R&& receiver) {
  { std::move(sender).connect(std::move(receiver)) } -> operation_state;
};

namespace detail {

struct awaiting_env {
  stop_token token;
  [[nodiscard]] stop_token get_stop_token() const noexcept { return token; }
};

// Hands a sender's completion to who waits.
template <class T>
class awaiting_receiver {
 public:
  using receiver_concept = void;
  awaiting_receiver(callback<T> done, stop_token token, std::exception_ptr& failure) noexcept
      : done_(done), token_(token), failure_(&failure) {}

  template <class... Values>
  void set_value(Values&&... values) && noexcept {
    if constexpr (std::is_void_v<T>)
      done_();
    else
      done_(T(std::forward<Values>(values)...));
  }
  template <class E>
  void set_error(E&& why) && noexcept {
    if constexpr (std::convertible_to<E, std::exception_ptr>) {
      *failure_ = std::forward<E>(why);
      done_.fail(cancelled_error());
    } else {
      static_assert(
          std::convertible_to<E, error>,
          "frys::as_awaitable: the sender's error must be a frys::error or a std::exception_ptr; translate it "
          "before");
      done_.fail(std::forward<E>(why));
    }
  }
  void set_stopped() && noexcept { done_.fail(cancelled_error()); }
  [[nodiscard]] awaiting_env get_env() const noexcept { return {token_}; }

 private:
  callback<T> done_;
  stop_token token_;
  std::exception_ptr* failure_;
};

// Room for an operation state, which connect makes in place.
template <class S, class R>
class operation_room {
  using operation = decltype(std::declval<S>().connect(std::declval<R>()));

 public:
  operation_room() noexcept {}
  operation_room(const operation_room&) = delete;
  operation_room& operator=(const operation_room&) = delete;
  ~operation_room() {
    if (made_) at()->~operation();
  }
  void start(S&& sender, R&& receiver) {
    ::new (static_cast<void*>(room_)) operation(std::move(sender).connect(std::move(receiver)));
    made_ = true;
    at()->start();
  }

 private:
  operation* at() noexcept { return std::launder(reinterpret_cast<operation*>(room_)); }
  alignas(operation) std::byte room_[sizeof(operation)];
  bool made_ = false;
};

template <class T, class S>
task<result<T>> await_sender(S sender) {
  using receiver = awaiting_receiver<T>;
  const stop_token token = co_await this_task::stop_token();
  operation_room<S, receiver> operation;
  std::exception_ptr failure = nullptr;
  const auto begin = [&](callback<T> done) { operation.start(std::move(sender), receiver(done, token, failure)); };
  result<T> answer = co_await from_callback<T>(begin);
  if (failure != nullptr) std::rethrow_exception(failure);
  co_return answer;
}

}  // namespace detail

// A sender of one T, or of nothing, as something to await: a task that answers result<T>.
template <class T, class S>
requires sender_to<std::remove_cvref_t<S>, detail::awaiting_receiver<T>>
[[nodiscard]] task<result<T>> as_awaitable(S&& sender) {
  return detail::await_sender<T, std::remove_cvref_t<S>>(std::forward<S>(sender));
}
// Of a sender that says what it sends.
template <class S>
requires requires { typename std::remove_cvref_t<S>::value_type; }
[[nodiscard]] auto as_awaitable(S&& sender) {
  return as_awaitable<typename std::remove_cvref_t<S>::value_type>(std::forward<S>(sender));
}

namespace detail {
template <class T>
struct sent_value {
  using type = T;
};
template <class T>
struct sent_value<result<T>> {
  using type = T;
};
}  // namespace detail

// A task as a sender of its answer.
template <class T>
class [[nodiscard]] task_sender {
 public:
  using sender_concept = void;
  using value_type = typename detail::sent_value<T>::type;

  explicit task_sender(task<T> what) noexcept : what_(std::move(what)) {}

  template <class Receiver>
  class operation;
  template <class Receiver>
  [[nodiscard]] operation<Receiver> connect(Receiver receiver) && {
    return operation<Receiver>(std::move(what_), std::move(receiver));
  }

 private:
  task<T> what_;
};

template <class T>
template <class Receiver>
class task_sender<T>::operation : detail::join_base {
 public:
  operation(task<T>&& what, Receiver&& receiver)
      : detail::join_base{&ended}, what_(std::move(what)), receiver_(std::move(receiver)) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  void start() noexcept {
    body_ = detail::run_child<task<T>>(what_, answer_);
    stop_token token;
    if constexpr (requires {
                    { receiver_.get_env().get_stop_token() } -> std::convertible_to<stop_token>;
                  })
      token = receiver_.get_env().get_stop_token();
    body_.start(*this, 0, token);
  }

 private:
  // The body stands at its end: the receiver may destroy this. What it is told lives here.
  static std::coroutine_handle<> ended(detail::join_base& at, std::size_t, std::exception_ptr failure) noexcept {
    auto& self = static_cast<operation&>(at);
    Receiver receiver = std::move(self.receiver_);
    if (failure != nullptr) {
      std::move(receiver).set_error(std::move(failure));
    } else if constexpr (std::is_void_v<T>) {
      std::move(receiver).set_value();
    } else {
      T answer = std::move(*self.answer_);
      tell(std::move(receiver), answer);
    }
    return std::noop_coroutine();
  }
  template <class Answer>
  static void tell(Receiver&& receiver, Answer& answer) noexcept {
    if constexpr (detail::is_result<Answer>) {
      if (answer) {
        if constexpr (std::is_void_v<value_type>)
          std::move(receiver).set_value();
        else
          std::move(receiver).set_value(std::move(*answer));
      } else if (answer.error() == errc::cancelled) {
        std::move(receiver).set_stopped();
      } else {
        std::move(receiver).set_error(answer.error());
      }
    } else {
      std::move(receiver).set_value(std::move(answer));
    }
  }

  task<T> what_;
  Receiver receiver_;
  detail::slot_of<T> answer_;
  detail::child body_;
};

template <class T>
[[nodiscard]] task_sender<T> as_sender(task<T> what) noexcept {
  return task_sender<T>(std::move(what));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_SENDERS_HPP
