// task<T>: a coroutine that starts when it is awaited, and answers one T.
//
// Use when  a piece of work waits in the middle: for a socket, a timer, a group commit, another task.
// Not when  nothing waits (call a function), or many threads shall share one result.
// Threads   one at a time: a task runs where it is resumed; whoever awaits it continues where it ended.
// Cost      one frame per task, from operator new or the thread's frame_cache, or from where the task's type or first
//           parameters say. Awaiting and returning transfer control without growing the stack (g++ does so from -O2 on;
//           below, each child that never waits nests one call until something waits).
// Stop      who is awaited has the stop_token of who awaits it (sched/cancel.hpp).
// Lifetime  the task object owns the frame. Destroying it destroys a body that waits, and with it the awaiter it waits
//           in; a body that runs must not destroy its own task.
// Errors    an exception that leaves the body is kept and rethrown where the result is taken. A frame that its
//           allocator refuses is an empty task; without an allocator of its own it is operator new's to throw.
// Source    the shape of cppcoro's task (L. Baker) and P2300's lazy start.
//
// Frames    task<int> f(std::allocator_arg_t, A& a, ...)     from `a`, any raw_allocator, which outlives the frame
//           basic_task<int, policy::allocator<A>> f(...)     from A, a stateless_allocator
//           task<int> f(...)                                 from frame_memory: the thread's frame_cache, operator new
//
// Policies of basic_task, each at most once:
//   policy::allocator<A>  where its frames come from  default frame_memory
#ifndef FRYS_SCHED_TASK_HPP
#define FRYS_SCHED_TASK_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/concepts.hpp"
#include "../core/deadline.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/parker.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "frame_cache.hpp"

namespace frys::inline FRYS_ABI {

template <class T = void>
class task;
class task_scope;

namespace detail {

struct task_access;

// What a scope or spawn does with the frame of a task that it owns, when the body has ended: destroys the frame and
// answers what runs next.
struct task_owner {
  std::coroutine_handle<> (*finish)(task_owner&, std::coroutine_handle<>, std::exception_ptr) noexcept = nullptr;
};

class promise_base {
 public:
  static void* operator new(std::size_t size) { return frame_memory::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { frame_memory::release(memory, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  // By whoever starts the body, before that.
  void set_caller(std::coroutine_handle<> next, stop_token token) noexcept {
    continuation_ = next;
    token_ = token;
  }
  void set_token(stop_token token) noexcept { token_ = token; }
  stop_token get_stop_token() const noexcept { return token_; }

 protected:
  std::coroutine_handle<> continuation_ = nullptr;
  stop_token token_;
};

// Runs what waits for the result.
struct final_transfer {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().ended(ended);
  }
  void await_resume() const noexcept {}
};

// The same, for who has nothing to do at its end but to go on there.
struct final_next {
  std::coroutine_handle<> next;
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return next; }
  void await_resume() const noexcept {}
};

template <class T>
class task_promise : public promise_base {
 public:
  task_promise() noexcept {}
  task_promise(const task_promise&) = delete;
  task_promise& operator=(const task_promise&) = delete;
  ~task_promise() {
    if (state_ == state::value)
      std::destroy_at(std::addressof(value_));
    else if (state_ == state::failed)
      std::destroy_at(std::addressof(failure_));
  }

  task<T> get_return_object() noexcept;
  final_next final_suspend() const noexcept { return {continuation_}; }

  template <class U = T>
  requires std::constructible_from<T, U>
  void return_value(U&& value) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
    state_ = state::value;
  }
  void unhandled_exception() noexcept {
    std::construct_at(std::addressof(failure_), std::current_exception());
    state_ = state::failed;
  }
  T take() {
    if (state_ == state::failed) rethrow();
    return std::move(value_);
  }

 private:
  enum class state : unsigned char { running, value, failed };
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(failure_); }

  union {
    T value_;
    std::exception_ptr failure_;
  };
  state state_ = state::running;
};

template <>
class task_promise<void> : public promise_base, public list_hook<> {
 public:
  task<void> get_return_object() noexcept;
  final_transfer final_suspend() const noexcept { return {}; }
  std::coroutine_handle<> ended(std::coroutine_handle<> self) noexcept {
    if (owner_ == nullptr) return continuation_;
    // The exception leaves the frame before the frame dies.
    return owner_->finish(*owner_, self, std::exchange(failure_, nullptr));
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }
  void take() {
    if (failure_ != nullptr) rethrow();
  }
  void set_owner(task_owner& owner) noexcept { owner_ = &owner; }

 private:
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(std::exchange(failure_, nullptr)); }

  std::exception_ptr failure_ = nullptr;
  task_owner* owner_ = nullptr;
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
  static_assert(
      std::is_void_v<T> || (std::is_object_v<T> && std::is_move_constructible_v<T>),
      "frys::task<T>: T must be void or an object that can be moved; answer a pointer instead of a reference");

 public:
  using value_type = T;
  using promise_type = detail::task_promise<T>;

  task() = default;  // no coroutine: may only be assigned to or destroyed
  task(task&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      reset();
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~task() { reset(); }

  // Whether it holds a coroutine at all.
  explicit operator bool() const noexcept { return body_ != nullptr; }
  // Whether the body has ended; false for one that was never started.
  [[nodiscard]] bool done() const noexcept { return body_ != nullptr && body_.done(); }
  // Destroys the coroutine, wherever it waits. Not from within its own body.
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }

  // Awaiting starts the body; it may be done once. Answers T, or rethrows what the body threw. A task is its own
  // awaiter: a copy of its handle in the frame of who awaits it would cost as much as a tenth of the call.
  bool await_ready() const noexcept {
    FRYS_ASSERT(body_ != nullptr, "task: an empty task cannot be awaited");
    FRYS_ASSERT(!body_.done(), "task: awaited twice");
    return false;
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) const noexcept {
    body_.promise().set_caller(waiting, stop_token_of(waiting));
    return body_;
  }
  T await_resume() const { return body_.promise().take(); }

 private:
  template <class>
  friend class detail::task_promise;
  friend struct detail::task_access;

 protected:
  explicit task(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}

 private:
  std::coroutine_handle<promise_type> body_ = nullptr;
};

namespace detail {

template <class T>
inline task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

// Takes the frame out of a task whose end belongs to `owner` from now on.
struct task_access {
  static std::coroutine_handle<task_promise<void>> take(task<void>& body, task_owner& owner,
                                                        stop_token token = {}) noexcept {
    FRYS_ASSERT(body.body_ != nullptr, "spawn: an empty task cannot be started");
    auto frame = std::exchange(body.body_, nullptr);
    frame.promise().set_owner(owner);
    frame.promise().set_token(token);
    return frame;
  }
};

// Promises whose frames come from elsewhere. They are the task's own in all but that, so that a task need not know: its
// frame goes back to where it came from by its own destroy function.
//
// From an allocator among the parameters, whose address stands behind the frame.
template <class T, class A>
struct allocated_promise : task_promise<T> {
  static_assert(std::is_lvalue_reference_v<A> && !std::is_const_v<std::remove_reference_t<A>> &&
                    raw_allocator<std::remove_reference_t<A>>,
                "frys::task: the parameter behind std::allocator_arg_t must be a reference to a raw_allocator, see "
                "core/concepts.hpp");
  using allocator_type = std::remove_reference_t<A>;

  static task<T> get_return_object_on_allocation_failure() noexcept { return {}; }
  template <class... Args>
  static void* operator new(std::size_t size, std::allocator_arg_t, allocator_type& from, const Args&...) noexcept {
    return allocate(size, from);
  }
  template <class This, class... Args>
  static void* operator new(std::size_t size, const This&, std::allocator_arg_t, allocator_type& from,
                            const Args&...) noexcept {
    return allocate(size, from);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    allocator_type* const from = *place(memory, size);
    from->deallocate(memory, whole(size), frame_alignment);
  }

 private:
  static constexpr std::size_t frame_alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  static constexpr std::size_t rounded(std::size_t size) noexcept {
    return (size + alignof(allocator_type*) - 1) & ~(alignof(allocator_type*) - 1);
  }
  static constexpr std::size_t whole(std::size_t size) noexcept { return rounded(size) + sizeof(allocator_type*); }
  static allocator_type** place(void* memory, std::size_t size) noexcept {
    return reinterpret_cast<allocator_type**>(static_cast<std::byte*>(memory) + rounded(size));
  }
  static void* allocate(std::size_t size, allocator_type& from) noexcept {
    const result<void*> memory = from.allocate(whole(size), frame_alignment);
    if (!memory) return nullptr;
    ::new (static_cast<void*>(place(*memory, size))) allocator_type*(&from);
    return *memory;
  }
};
}  // namespace detail

template <class T, class... Policies>
class basic_task;

namespace detail {
// From a stateless allocator of the type.
template <class T, class A, class Task>
struct stateless_promise : task_promise<T> {
  Task get_return_object() noexcept { return Task(task_promise<T>::get_return_object()); }
  static Task get_return_object_on_allocation_failure() noexcept { return {}; }
  static void* operator new(std::size_t size) noexcept {
    return A::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__).value_or(nullptr);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    A::deallocate(memory, size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  }
};
// The default: as a task's.
template <class T, class Task>
struct stateless_promise<T, void, Task> : task_promise<T> {
  Task get_return_object() noexcept { return Task(task_promise<T>::get_return_object()); }
};
}  // namespace detail

// A task whose type says where its frames come from; a task in all else, and it becomes one by a move.
template <class T, class... Policies>
class [[nodiscard]] basic_task : public task<T> {
  using accepted = policy::keys<policy::allocator_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_task: unknown policy; it takes policy::allocator and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_task: a policy is given twice; name each at most once");

 public:
  using allocator_type = typename policy::pick<policy::allocator<void>, Policies...>::type;
  static_assert(
      std::is_void_v<allocator_type> || stateless_allocator<allocator_type>,
      "frys::basic_task: policy::allocator wants a stateless_allocator, see core/concepts.hpp; one that is an "
      "object goes among the parameters, behind std::allocator_arg_t");
  using promise_type = detail::stateless_promise<T, allocator_type, basic_task>;

  basic_task() = default;

 private:
  friend promise_type;
  explicit basic_task(task<T>&& body) noexcept : task<T>(std::move(body)) {}
};

namespace detail {

struct no_owner : task_owner {
  constexpr no_owner() noexcept : task_owner{&destroy} {}
  static std::coroutine_handle<> destroy(task_owner&, std::coroutine_handle<> frame, std::exception_ptr e) noexcept {
    if (e != nullptr) std::terminate();  // nobody is left who could take it
    frame.destroy();
    return std::noop_coroutine();
  }
};

}  // namespace detail

// Starts `body` at once and lets it destroy itself at its end. Nobody owns it: one that never ends is never freed, and
// an exception that leaves it ends the program. Prefer task_scope.
inline void spawn(task<void> body) {
  static constinit detail::no_owner owner;
  detail::task_access::take(body, owner).resume();
}

// task_scope: owns tasks that nobody awaits one by one, and can be joined.
//
// Threads   one: spawn, join, the tasks' ends and the destructor all happen on the same thread.
// Lifetime  the destructor destroys the tasks that still wait, without running them on; it never blocks. To let them
//           end, `co_await scope.join()` first.
// Errors    the first exception that leaves a task is rethrown by join.
class task_scope : detail::task_owner {
 public:
  task_scope() noexcept : task_owner{&finished} {}
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;
  ~task_scope() { cancel(); }

  // Starts `body` at once, on this thread, up to where it first waits.
  void spawn(task<void> body) {
    auto frame = detail::task_access::take(body, *this);
    live_.push_back(frame.promise());
    ++count_;
    frame.resume();
  }

  // Tasks that have not ended yet.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  // Destroys the tasks that still wait. Not from within one of them.
  void cancel() noexcept {
    while (promise* p = live_.pop_front()) {
      --count_;
      std::coroutine_handle<promise>::from_promise(*p).destroy();
    }
  }

  // Waits until every task has ended. One waiter at a time.
  auto join() noexcept {
    struct awaiter {
      task_scope& scope;
      bool waits = false;
      explicit awaiter(task_scope& s) noexcept : scope(s) {}
      awaiter(const awaiter&) = delete;
      awaiter& operator=(const awaiter&) = delete;
      ~awaiter() {
        if (waits) scope.joiner_ = nullptr;
      }
      bool await_ready() const noexcept { return scope.count_ == 0; }
      void await_suspend(std::coroutine_handle<> waiting) noexcept {
        FRYS_ASSERT(scope.joiner_ == nullptr, "task_scope::join: somebody waits already");
        scope.joiner_ = waiting;
        waits = true;
      }
      void await_resume() {
        waits = false;
        if (scope.failure_ != nullptr) std::rethrow_exception(std::exchange(scope.failure_, nullptr));
      }
    };
    return awaiter(*this);
  }

 private:
  using promise = detail::task_promise<void>;

  static std::coroutine_handle<> finished(detail::task_owner& owner, std::coroutine_handle<> frame,
                                          std::exception_ptr failure) noexcept {
    auto& self = static_cast<task_scope&>(owner);
    if (failure != nullptr && self.failure_ == nullptr) self.failure_ = std::move(failure);
    std::coroutine_handle<promise>::from_address(frame.address()).promise().unlink();
    frame.destroy();
    if (--self.count_ == 0 && self.joiner_ != nullptr) return std::exchange(self.joiner_, nullptr);
    return std::noop_coroutine();
  }

  intrusive_list<promise> live_;
  std::size_t count_ = 0;
  std::coroutine_handle<> joiner_ = nullptr;
  std::exception_ptr failure_ = nullptr;
};

namespace detail {

template <class R>
struct sync_state : task_owner {
  using slot = std::conditional_t<std::is_void_v<R>, char, std::optional<std::decay_t<R>>>;

  sync_state() noexcept : task_owner{&finished} {}
  static std::coroutine_handle<> finished(task_owner& owner, std::coroutine_handle<> frame,
                                          std::exception_ptr failure) noexcept {
    auto& self = static_cast<sync_state&>(owner);
    self.failure = std::move(failure);
    frame.destroy();
    self.done = true;
    self.sleeper.unpark();  // the last touch: the waiting thread may return and end this object's life
    return std::noop_coroutine();
  }
  std::conditional_t<std::is_void_v<R>, void, std::decay_t<R>> take() {
    if (failure != nullptr) std::rethrow_exception(std::exchange(failure, nullptr));
    if constexpr (!std::is_void_v<R>) return std::move(*value);
  }

  slot value{};
  std::exception_ptr failure = nullptr;
  bool done = false;
  parker<> sleeper;
};

template <class A, class R>
task<void> run_into(A& what, sync_state<R>& state) {
  if constexpr (std::is_void_v<R>)
    co_await static_cast<A&&>(what);
  else
    state.value.emplace(co_await static_cast<A&&>(what));
}

}  // namespace detail

// Starts `what` on this thread and sleeps until it has ended; answers its result or rethrows its exception. Not inside
// a coroutine, and not on the thread that has to run what it waits for: see the second form. `token` is what it is
// asked to stop by.
template <awaitable A>
auto sync_wait(A&& what, stop_token token = {}) {
  detail::sync_state<await_result_t<A>> state;
  task<void> body = detail::run_into(what, state);
  detail::task_access::take(body, state, token).resume();
  state.sleeper.park();
  return state.take();
}

// The same on a thread that owns an event loop: runs the loop until `what` has ended.
template <class Loop, awaitable A>
requires requires(Loop& loop) { loop.run_once(deadline::never()); }
auto sync_wait(Loop& loop, A&& what, stop_token token = {}) {
  detail::sync_state<await_result_t<A>> state;
  task<void> body = detail::run_into(what, state);
  detail::task_access::take(body, state, token).resume();
  while (!state.done) static_cast<void>(loop.run_once(deadline::never()));
  return state.take();
}

}  // namespace frys::inline FRYS_ABI

// A coroutine whose parameters begin with an allocator: a function's, and a member function's or a lambda's.
template <class T, class A, class... Args>
struct std::coroutine_traits<frys::task<T>, std::allocator_arg_t, A, Args...> {
  using promise_type = frys::detail::allocated_promise<T, A>;
};
template <class T, class This, class A, class... Args>
struct std::coroutine_traits<frys::task<T>, This, std::allocator_arg_t, A, Args...> {
  using promise_type = frys::detail::allocated_promise<T, A>;
};

#endif  // FRYS_SCHED_TASK_HPP
