// with/asio: Asio's operations as something to await in tasks, and tasks as operations of Asio.
//
// use_frys                  a completion token: `co_await socket.async_read_some(buffer, use_frys)` in a task answers
//                           result<std::size_t>; of an operation that tells nothing but its error, result<void>.
// async_run(task, token)    an asynchronous operation with any completion token: in an asio::awaitable
//                           `co_await async_run(task, asio::use_awaitable)`; with a callback, (std::exception_ptr, T).
//
// Use when  a program runs on Asio's loop, or takes a library that does.
// Not when  it may choose freely: the reactors of io/ know tasks without a layer between.
// Threads   a task goes on where Asio completes its operation. async_run begins the task at once, and completes on the
//           executor of its handler.
// Cost      use_frys: a frame, and with a stop token a cancellation signal (one allocation). async_run: an allocation
//           for the operation, and a frame.
// Errors    of use_frys, by asio::error_code: operation_aborted is errc::cancelled, eof errc::closed; timed_out,
//           connection_reset, connection_refused and address_in_use keep their names, others are errc::io_failed with
//           the code as `number`. async_run: an exception of the task is the std::exception_ptr.
// Stop      a task's stop emits a terminal cancellation on the operation's executor, whichever thread asks for it. A
//           cancellation of async_run asks the task to stop.
// Lifetime  an operation that Asio drops without completing it (its io_context was destroyed) leaves its task waiting.
// Needs     standalone Asio (Debian: libasio-dev, vcpkg: asio), 1.22 or later; nothing is linked but threads. Include
//           this header, or define FRYS_WITH_ASIO=1 for frys/frys.hpp (CMake: frys::asio).
// Source    Asio, C. Kohlhoff.
#ifndef FRYS_WITH_ASIO_HPP
#define FRYS_WITH_ASIO_HPP

#if !defined(FRYS_WITH_ASIO)
#define FRYS_WITH_ASIO 1
#elif !FRYS_WITH_ASIO
#error "frys/with/asio.hpp: FRYS_WITH_ASIO is 0; set it to 1, or leave this header out"
#endif

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "../sched/cancel.hpp"
#include "../sched/detail/join.hpp"
#include "../sched/from_callback.hpp"
#include "../sched/task.hpp"

namespace frys::inline FRYS_ABI {

struct use_frys_t {};
inline constexpr use_frys_t use_frys{};

namespace detail {

inline error error_of(const ::asio::error_code& code) noexcept {
  namespace e = ::asio::error;
  const auto as = [&](errc what, const char* text) { return error{what, domain::io, text, code.value()}; };
  if (code == e::operation_aborted) return as(errc::cancelled, "the operation was cancelled");
  if (code == e::eof) return as(errc::closed, "end of file");
  if (code == e::timed_out) return as(errc::timed_out, "timed out");
  if (code == e::connection_reset) return as(errc::connection_reset, "connection reset");
  if (code == e::connection_refused) return as(errc::connection_refused, "connection refused");
  if (code == e::address_in_use) return as(errc::address_in_use, "address in use");
  return as(errc::io_failed, "an operation of asio failed");
}

// What a signature's handler is told, as a T of result<T>.
template <class... Values>
struct asio_values {
  using type = std::tuple<std::decay_t<Values>...>;
};
template <>
struct asio_values<> {
  using type = void;
};
template <class T>
struct asio_values<T> {
  using type = std::decay_t<T>;
};
template <class... Args>
struct asio_answer : asio_values<Args...> {};
template <class... More>
struct asio_answer<::asio::error_code, More...> : asio_values<More...> {};

template <class T>
class asio_handler {
 public:
  using cancellation_slot_type = ::asio::cancellation_slot;
  asio_handler(callback<T> done, cancellation_slot_type slot) noexcept : done_(done), slot_(slot) {}
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

  template <class... Args>
  void operator()(const ::asio::error_code& code, Args&&... args) const {
    if (code) return done_.fail(error_of(code));
    tell(std::forward<Args>(args)...);
  }
  template <class... Args>
  requires(
      sizeof...(Args) == 0 ||
      !std::is_same_v<std::remove_cvref_t<std::tuple_element_t<0, std::tuple<Args..., void>>>, ::asio::error_code>) void
  operator()(Args&&... args) const {
    tell(std::forward<Args>(args)...);
  }

 private:
  template <class... Args>
  void tell(Args&&... args) const {
    if constexpr (std::is_void_v<T>)
      done_();
    else
      done_(T(std::forward<Args>(args)...));
  }
  callback<T> done_;
  cancellation_slot_type slot_;
};

template <class T, class Begin, class Arguments>
task<result<T>> await_asio(Begin operation, Arguments arguments) {
  const stop_token token = co_await this_task::stop_token();
  // Shared: what is posted to emit it may run when the operation is over.
  std::shared_ptr<::asio::cancellation_signal> signal;
  if (token) signal = std::make_shared<::asio::cancellation_signal>();
  const auto begin = [&](callback<T> done) {
    asio_handler<T> handler(done, signal != nullptr ? signal->slot() : ::asio::cancellation_slot());
    std::apply([&](auto&... a) { std::move(operation)(std::move(handler), std::move(a)...); }, arguments);
  };
  [[maybe_unused]] auto executor_of = [&] {
    if constexpr (requires { operation.get_executor(); })
      return operation.get_executor();
    else
      return 0;
  }();
  const auto cancel = [&] {
    auto emit = [signal] { signal->emit(::asio::cancellation_type::terminal); };
    if constexpr (requires { operation.get_executor(); })
      ::asio::post(executor_of, std::move(emit));
    else
      emit();
  };
  co_return co_await from_callback<T>(begin, cancel);
}

// A task that runs for a handler of Asio, on the heap.
template <class T, class Handler>
class asio_run : join_base {
  using executor_type = ::asio::associated_executor_t<Handler>;

 public:
  static void start(task<T> what, Handler handler) {
    auto* const self = new asio_run(std::move(what), std::move(handler));
    self->body_ = run_child<task<T>>(self->what_, self->answer_);
    stop_token token;
    const auto slot = ::asio::get_associated_cancellation_slot(self->handler_);
    if (slot.is_connected()) {
      // Shared with the slot's function: the stop that it asks for may end all of this.
      self->stop_ = std::make_shared<stop_source>();
      token = self->stop_->token();
      auto where = slot;
      where.assign([stop = self->stop_](::asio::cancellation_type) {
        const std::shared_ptr<stop_source> held = stop;
        held->request_stop();
      });
    }
    self->body_.start(*self, 0, token);
  }

 private:
  asio_run(task<T>&& what, Handler&& handler)
      : join_base{&ended},
        what_(std::move(what)),
        handler_(std::move(handler)),
        work_(::asio::get_associated_executor(handler_)) {}

  static std::coroutine_handle<> ended(join_base& at, std::size_t, std::exception_ptr failure) noexcept {
    auto& self = static_cast<asio_run&>(at);
    auto slot = ::asio::get_associated_cancellation_slot(self.handler_);
    if (self.stop_ != nullptr && slot.is_connected()) slot.clear();
    Handler handler = std::move(self.handler_);
    const auto work = std::move(self.work_);
    const auto on = work.get_executor();
    if constexpr (std::is_void_v<T>) {
      delete &self;
      ::asio::dispatch(on, [handler = std::move(handler), failure]() mutable { std::move(handler)(failure); });
    } else {
      T answer = failure != nullptr ? T() : T(std::move(*self.answer_));
      delete &self;
      ::asio::dispatch(on, [handler = std::move(handler), failure, answer = std::move(answer)]() mutable {
        std::move(handler)(failure, std::move(answer));
      });
    }
    return std::noop_coroutine();
  }

  task<T> what_;
  Handler handler_;
  ::asio::executor_work_guard<executor_type> work_;
  std::shared_ptr<stop_source> stop_;
  slot_of<T> answer_;
  child body_;
};

template <class T>
struct asio_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct asio_signature<void> {
  using type = void(std::exception_ptr);
};

}  // namespace detail

// Begins `what` and completes when it has ended.
template <class T, class CompletionToken>
auto async_run(task<T> what, CompletionToken&& token) {
  static_assert(std::is_void_v<T> || std::is_default_constructible_v<T>,
                "frys::async_run: a handler of asio is given a T with every exception; T must have a default");
  return ::asio::async_initiate<CompletionToken, typename detail::asio_signature<T>::type>(
      [](auto handler, task<T> body) {
        detail::asio_run<T, decltype(handler)>::start(std::move(body), std::move(handler));
      },
      token, std::move(what));
}

}  // namespace frys::inline FRYS_ABI

template <class... Args>
class asio::async_result<frys::use_frys_t, void(Args...)> {
 public:
  using answer = typename frys::detail::asio_answer<std::remove_cvref_t<Args>...>::type;

  template <class Begin, class... Arguments>
  static frys::task<frys::result<answer>> initiate(Begin&& operation, frys::use_frys_t, Arguments&&... arguments) {
    return frys::detail::await_asio<answer>(
        std::forward<Begin>(operation), std::tuple<std::decay_t<Arguments>...>(std::forward<Arguments>(arguments)...));
  }
};

#endif  // FRYS_WITH_ASIO_HPP
