// forked: a task that may run beside the one that forked it: fork-join for coroutines.
//
//   frys::task<long> fib(long n) {
//     if (n < 2) co_return n;
//     frys::forked second(fib(n - 2));      // from here on another worker may take it
//     const long first = co_await fib(n - 1);
//     co_return first + co_await second;    // nobody has: it runs here, now, as an ordinary await
//   }
//
// Use when  tasks split into tasks, on the workers of a scheduler, and some of them wait for something.
// Not when  nothing waits (fork_join on plain functions costs a tenth), or the pieces wait rather than compute
//           (when_all, async_scope).
// Threads   the coroutine that made it awaits it; it may have moved to another worker meanwhile. On a thread that works
//           for no scheduler it is an ordinary await.
// Progress  waits for nobody until it is awaited; then for the task.
// Taken     where somebody is hungry, as in fork_join: the next fork or tick() behind that hands it over. A coroutine
//           that computes for long beside it calls tick().
// Cost      not taken: a push and a pop on the worker's stack of forks, nothing shared is written. Taken: a frame
//           more, and an exchange at its end.
// Ordering  what the forking coroutine did before happens-before the task; what the task did before what follows the
//           await.
// Stop      the task has the token that was given with it; see cancel.hpp.
// Errors    an exception of the task comes out of the await.
// Lifetime  await it before it dies. One that dies before, since an exception passes by or its coroutine is destroyed
//           while it waits for it, is destroyed unless somebody has begun it: then the destructor runs other tasks
//           until it has ended, and drops what it answers. As with any await, destroy a coroutine that waits only while
//           no other thread can resume it: not while its task may be ending.
// Source    R. Blumofe, C. Leiserson, JACM 46(5), 1999; the children's side of C. Williams, J. Elliott, "Libfork",
//           2024.
#ifndef FRYS_SCHED_FORKED_HPP
#define FRYS_SCHED_FORKED_HPP

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/awaitable.hpp"
#include "../core/deadline.hpp"
#include "../core/thread.hpp"
#include "../core/work.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "detail/join.hpp"
#include "fork_join.hpp"

#if FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI {

// Task: frys::task<T>, or another awaiter that never is ready and suspends into a coroutine handle.
// Policies, in any order, each at most once:
//   policy::threads<T>  the scheduler's  default os_threads
//   policy::atomics<A>  the scheduler's  default atomics::standard
template <class Task, class... Policies>
class [[nodiscard]] forked : work, detail::join_base {
  using accepted = policy::keys<policy::threads_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::forked: unknown policy; it takes policy::threads, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::forked: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using threads_type = typename policy::pick<policy::threads<os_threads>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::forked: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(thread_source<threads_type>,
                "frys::forked: policy::threads wants a source of threads, see core/thread.hpp");

 private:
  using here = detail::fork_here<atomics_type, threads_type>;
  using seat_type = detail::fork_seat<atomics_type>;
  using answer = await_result_t<Task>;

 public:
  explicit forked(Task&& body, stop_token token = {}) noexcept
      : work(&begin), detail::join_base{&ended}, body_(std::move(body)), token_(token) {
    seat_type* const seat = here::seat();
    is_out_ = seat != nullptr && seat->push_task(*this);
  }
  forked(const forked&) = delete;
  forked& operator=(const forked&) = delete;
  ~forked() {
    if (is_out_) [[unlikely]]
      call_in();
  }

  class awaiter {
   public:
    explicit awaiter(forked& f) noexcept : of_(f) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
      if (of_.take_back()) [[likely]]
        return of_.body_.await_suspend(waiting);
      of_.waiting_ = waiting;
      std::uint32_t state = pending;
      // sync(forked.state): acq_rel; who waits is whole before it is resumed, or the answer is ours.
      if (of_.state_.compare_exchange_strong(state, awaited, std::memory_order_acq_rel, std::memory_order_acquire))
        return std::noop_coroutine();
      return waiting;
    }
    answer await_resume() {
      if (!of_.is_out_) [[likely]]
        return of_.body_.await_resume();
      of_.is_out_ = false;
      if (of_.failure_ != nullptr) std::rethrow_exception(std::exchange(of_.failure_, nullptr));
      if constexpr (!std::is_void_v<answer>) return std::move(*of_.slot_);
    }

   private:
    forked& of_;
  };
  // Once.
  awaiter operator co_await() noexcept { return awaiter(*this); }

 private:
  static constexpr std::uint32_t pending = 0, awaited = 1, abandoned = 2, done = 3;

  // True: nobody has begun it.
  bool take_back() noexcept {
    if (!is_out_) return true;
    seat_type* const seat = here::seat();
    if (seat == nullptr || !seat->take_task(*this)) return false;
    is_out_ = false;
    return true;
  }
  // Another worker, or this one when nobody awaits it yet.
  static void begin(work& w) noexcept {
    auto& self = static_cast<forked&>(w);
#if FRYS_EXCEPTIONS
    try {
      self.carrier_ = detail::run_child<Task>(self.body_, self.slot_);
    } catch (...) {  // no memory for its frame
      ended(self, 0, std::current_exception()).resume();
      return;
    }
#else
    self.carrier_ = detail::run_child<Task>(self.body_, self.slot_);
#endif
    self.carrier_.start(self, 0, self.token_);
  }
  static std::coroutine_handle<> ended(detail::join_base& j, std::size_t, std::exception_ptr failure) noexcept {
    auto& self = static_cast<forked&>(j);
    self.failure_ = std::move(failure);
    // sync(forked.state): acq_rel; the answer is whole before it is taken. Behind this all of it may be gone, unless
    // somebody waits for us to go on.
    switch (self.state_.exchange(done, std::memory_order_acq_rel)) {
      case awaited:
        return self.waiting_;
      case abandoned: {
        seat_type* const seat = self.seat_;
        // sync(forked.freed): release; the last that is touched.
        self.is_free_.store(1, std::memory_order_release);
        if (seat != nullptr) seat->host().wake(*seat);
        return std::noop_coroutine();
      }
      default:
        return std::noop_coroutine();
    }
  }
  FRYS_NOINLINE void call_in() noexcept {
    if (take_back()) return;
    seat_ = here::seat();
    // Somebody has begun it, and the coroutine dies before it has waited for it, or while it does.
    std::uint32_t state = pending;
    do {
      if (state == done) return;
      // sync(forked.state): acq_rel; as in await_suspend.
    } while (!state_.compare_exchange_weak(state, abandoned, std::memory_order_acq_rel, std::memory_order_acquire));
    const auto is_free = [](void* f) {
      // sync(forked.freed): acquire.
      return static_cast<forked*>(f)->is_free_.load(std::memory_order_acquire) != 0;
    };
    if (seat_ != nullptr)
      seat_->host().work_until(*seat_, is_free, this);
    else
      while (!is_free(this)) os_thread::yield();
  }

  Task body_;
  stop_token token_;
  bool is_out_ = false;  // in a stack of forks, or begun by who took it from there
  typename atomics_type::template atomic<std::uint32_t> state_{pending};
  typename atomics_type::template atomic<std::uint32_t> is_free_{0};
  std::coroutine_handle<> waiting_ = nullptr;
  seat_type* seat_ = nullptr;
  std::exception_ptr failure_ = nullptr;
  detail::slot_of<answer> slot_;
  detail::child carrier_;
};

template <class Task>
forked(Task) -> forked<Task>;
template <class Task>
forked(Task, stop_token) -> forked<Task>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_HAS_THREAD

#endif  // FRYS_SCHED_FORKED_HPP
