// async_scope: owns tasks that run on any threads, and is joined: when the join answers, all of them are over.
//
// Use when  tasks come and go in a number that nobody knows before: a connection each, a job each.
// Not when  they are all there at once (when_all), or they live on one thread and may be destroyed where they wait
//           (task_scope).
// Threads   spawn and request_stop: any, also the scope's own tasks. join: one, once. A task goes on wherever it is
//           resumed.
// Progress  spawn waits for nobody; join waits for every task, also for those that are spawned while it waits.
// Cost      one frame more per task (frame_memory), and an atomic increment and decrement.
// Ordering  what was done before spawn happens-before the task, and what the tasks did before what follows the join.
// Errors    a task fails when an exception leaves it, or when it answers a result with an error other than
//           errc::cancelled. The first failure is the join's: rethrown, or answered. Whether it stops the others is
//           policy::failure's. spawn answers errc::closed when the scope has been joined; its task never begins.
// Stop      request_stop asks all tasks; a stop that is asked of who joins does, too.
// Lifetime  a scope whose tasks have ended, or that had none, may just go. One that goes while a task still runs ends
//           the program, as a std::thread does that nobody joined: it cannot wait, and what runs needs it. So who joins
//           is not destroyed while it waits.
//
// Policies, in any order, each at most once:
//   policy::failure<F>  failures::stop_rest, failures::run_on  default failures::stop_rest
//   policy::atomics<A>  the atomics model                      default atomics::standard
#ifndef FRYS_SCHED_ASYNC_SCOPE_HPP
#define FRYS_SCHED_ASYNC_SCOPE_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../core/work.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "detail/join.hpp"
#include "frame_cache.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct failure_key {};  // failure_policy (sched/async_scope.hpp)

// What becomes of the others when one fails.
template <class F>
struct failure {
  using key = failure_key;
  using type = F;
};
}  // namespace policy

template <class F>
concept failure_policy = requires {
  { F::stops_rest } -> std::convertible_to<bool>;
};

namespace failures {
// They are asked to stop.
struct stop_rest {
  static constexpr bool stops_rest = true;
};
// Nothing; the join tells.
struct run_on {
  static constexpr bool stops_rest = false;
};
}  // namespace failures

// co_await: goes on in work that is posted to `on`.
template <executor E>
[[nodiscard]] auto resume_on(E& on) noexcept {
  struct awaiter : work {
    E& on;
    std::coroutine_handle<> waiting = nullptr;
    explicit awaiter(E& e) noexcept
        : work([](work& w) noexcept { static_cast<awaiter&>(w).waiting.resume(); }), on(e) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      waiting = h;
      on.post(*this);  // the last touch: it may run before this returns
    }
    void await_resume() const noexcept {}
  };
  return awaiter(on);
}

namespace detail {

// One task of a scope. Nobody holds it: it destroys itself at its end.
class scope_child {
 public:
  // What a child knows of its scope. ended: the child's frame is gone.
  struct home {
    void (*failed)(home&, std::exception_ptr, const error*) noexcept;
    std::coroutine_handle<> (*ended)(home&) noexcept;
  };

  class promise_type {
   public:
    template <class Thing, class... More>
    promise_type(home& of, const stop_token& token, Thing&, More&...) noexcept : of_(&of), token_(token) {}
    static void* operator new(std::size_t size) { return frame_memory::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { frame_memory::release(memory, size); }

    scope_child get_return_object() noexcept {
      return scope_child(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct end {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> at) const noexcept {
          home& of = *at.promise().of_;
          at.destroy();
          return of.ended(of);
        }
        void await_resume() const noexcept {}
      };
      return end{};
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { of_->failed(*of_, std::current_exception(), nullptr); }
    stop_token get_stop_token() const noexcept { return token_; }

   private:
    home* of_;
    stop_token token_;
  };

  void start() const { body_.resume(); }

 private:
  explicit scope_child(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}
  std::coroutine_handle<promise_type> body_;
};

template <class Thing>
void tell_error(scope_child::home& of, const Thing& answer) noexcept {
  if constexpr (is_result<Thing>)
    if (!answer && !(answer.error() == errc::cancelled)) of.failed(of, nullptr, &answer.error());
}
template <class Thing>
scope_child run_here(scope_child::home& of, stop_token, Thing thing) {
  if constexpr (std::is_void_v<await_result_t<Thing>>) {
    static_cast<void>(of);
    co_await std::move(thing);
  } else {
    const auto answer = co_await std::move(thing);
    tell_error(of, answer);
  }
}
template <class Thing, class E>
scope_child run_there(scope_child::home& of, stop_token, Thing thing, E& on) {
  co_await resume_on(on);
  if constexpr (std::is_void_v<await_result_t<Thing>>) {
    static_cast<void>(of);
    co_await std::move(thing);
  } else {
    const auto answer = co_await std::move(thing);
    tell_error(of, answer);
  }
}

}  // namespace detail

template <class... Policies>
class basic_async_scope : detail::scope_child::home {
  using accepted = policy::keys<policy::failure_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_async_scope: unknown policy; it takes policy::failure, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_async_scope: a policy is given twice; name each at most once");

 public:
  using failure_type = typename policy::pick<policy::failure<failures::stop_rest>, Policies...>::type;
  static_assert(failure_policy<failure_type>,
                "frys::basic_async_scope: policy::failure wants failures::stop_rest, failures::run_on or a type with "
                "their member stops_rest");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_async_scope: policy::atomics wants an atomics model, see core/atomics.hpp");

  basic_async_scope() noexcept : detail::scope_child::home{&failed, &ended} { join_.open(1); }
  basic_async_scope(const basic_async_scope&) = delete;
  basic_async_scope& operator=(const basic_async_scope&) = delete;
  ~basic_async_scope() {
    if (join_.counts() > (joined_ ? 0u : 1u)) {
      FRYS_ASSERT(false, "async_scope: destroyed while a task runs; join it first");
      std::terminate();
    }
  }

  // Starts `thing` on this thread, up to where it first waits.
  template <awaitable Thing>
  requires(!std::is_lvalue_reference_v<Thing>) result<void> spawn(Thing&& thing) {
    if (!join_.take()) return closed();
    detail::run_here<std::remove_cvref_t<Thing>>(*this, join_.token(), std::forward<Thing>(thing)).start();
    return {};
  }
  // Starts it in work that is posted to `on`, which must outlive that.
  template <executor E, awaitable Thing>
  requires(!std::is_lvalue_reference_v<Thing>) result<void> spawn(E& on, Thing&& thing) {
    if (!join_.take()) return closed();
    detail::run_there<std::remove_cvref_t<Thing>, E>(*this, join_.token(), std::forward<Thing>(thing), on).start();
    return {};
  }

  // Asks every task to stop, and each that comes. Any thread that knows the scope to be there while it asks: one of its
  // tasks, or who has not joined it yet.
  bool request_stop() noexcept {
    if (!join_.take()) return false;
    const bool first = join_.request_stop();
    join_.drop().resume();
    return first;
  }
  [[nodiscard]] stop_token token() noexcept { return join_.token(); }
  // Tasks that have not ended; may be different already.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    const std::size_t counts = join_.counts();
    return counts == 0 || joined_ ? counts : counts - 1;
  }

  class join_awaiter;
  // co_await: result<void>, when every task has ended: ok, or the first error; the first exception is rethrown. Once.
  [[nodiscard]] join_awaiter join() noexcept { return join_awaiter(*this); }

 private:
  static error closed() noexcept { return {errc::closed, domain::sched, "the scope has been joined"}; }

  static void failed(detail::scope_child::home& of, std::exception_ptr failure, const error* why) noexcept {
    auto& self = static_cast<basic_async_scope&>(of);
    if (self.join_.first_failure()) {
      if (why != nullptr) {
        self.error_ = *why;
        self.has_error_ = true;
      } else {
        self.join_.set_failure(std::move(failure));
      }
    }
    if constexpr (failure_type::stops_rest) (void)self.join_.request_stop();  // the task's own count holds us
  }
  static std::coroutine_handle<> ended(detail::scope_child::home& of) noexcept {
    return static_cast<basic_async_scope&>(of).join_.drop();
  }

  detail::join_core<atomics_type> join_{nullptr};
  error error_{};
  bool has_error_ = false;
  bool joined_ = false;  // of who joins
};
using async_scope = basic_async_scope<>;

template <class... Policies>
class basic_async_scope<Policies...>::join_awaiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) const noexcept {
    FRYS_ASSERT(!scope_.joined_, "async_scope::join: joined already");
    scope_.joined_ = true;
    scope_.join_.listen(waiting);
    return scope_.join_.drop();
  }
  result<void> await_resume() const {
    scope_.join_.finish();
    if (scope_.has_error_) return scope_.error_;
    return {};
  }

 private:
  friend basic_async_scope;
  explicit join_awaiter(basic_async_scope& scope) noexcept : scope_(scope) {}
  basic_async_scope& scope_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ASYNC_SCOPE_HPP
