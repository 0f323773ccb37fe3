// fiber_scheduler, fiber: functions with a stack of their own that take turns on one thread. Inside, code waits as if
// it blocked, in the middle of whatever calls, and the thread goes on with another one.
//
// Use when  code that is written as plain calls has to wait (a parser deep in a library, a script, old code), thousands
//           at a time on one thread.
// Not when  the code may be a coroutine (sched/task.hpp): that needs no stack. Or it works and does not wait
//           (sched/scheduler.hpp). A fiber that blocks its thread blocks all fibers of it.
// Roles     post, fiber_event::set: any thread. Everything else: the thread that runs the scheduler, inside fibers or
//           outside; another thread may go on with it if it is handed over (run_on: see below).
// Cost      a switch from fiber to fiber some 3 ns (x86-64); spawn, run and end on a pooled stack some 15. No
//           allocation but of stacks: the fiber and its callable lie on its own.
// Ordering  set happens-before the return from the wait that it ends; the end of a fiber before the join of it.
// Errors    spawn: those of stack_pool. What a fiber throws is rethrown by join, and dropped where nobody joins. What
//           leaves a fiber that was started without a handle ends the program.
// Lifetime  a handle's destructor joins. All fibers must have ended before the scheduler dies (hardened builds
//           check): the stacks of others, and what lies on them, are never given back.
//
// Rules     1. A fiber of 16 KiB has no room for printf of floating-point numbers, nor for a deep recursion: ask
//              for more by stack_bytes. With guard pages an overflow is a fault.
//           2. No address of a thread_local is kept over a wait by code that may go on in another thread; only fibers
//              of a scheduler that runs on a pool of threads (run_on) ever do. docs/fibers.md has the cases.
//           3. No mutex of a thread is held over a wait: the next fiber that wants it would block the thread.
//           4. Rounding mode and floating-point exceptions are the thread's: who changes them changes them back before
//              he waits, or the scheduler has policy::stack_switch<machine_switch> (4 ns more).
//           A wait inside a catch block, and while an exception unwinds, is fine: each fiber has its own list of them.
//
// Policies, in any order, each at most once:
//   policy::stack_switch<S>  how to switch                                default quick_switch
//   policy::guard_pages<B>   an unreadable page below each stack          default true
//   policy::pages<P>         where stacks without that come from          default os_pages
//   policy::atomics<A>       the atomics model                            default atomics::standard
//   policy::wait<W>          how the thread waits without ready fibers    default wait::spin_then_park
//   policy::clock<C>         the clock of sleep_until                     default clocks::steady
//   policy::threads<T>       whose threads run it                         default os_threads
#ifndef FRYS_SCHED_FIBER_HPP
#define FRYS_SCHED_FIBER_HPP

#include <array>
#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/concepts.hpp"
#include "../core/context.hpp"
#include "../core/parker.hpp"
#include "../core/thread.hpp"
#include "../core/work.hpp"
#include "../policy.hpp"
#include "stack_pool.hpp"
#include "timer_wheel.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#if FRYS_EXCEPTIONS
#include <cxxabi.h>
#endif

namespace frys::inline FRYS_ABI {

namespace policy {
struct stack_switch_key {};  // basic_machine_switch and its like (core/context.hpp)
template <class S>
struct stack_switch {
  using key = stack_switch_key;
  using type = S;
};
}  // namespace policy

template <class... Policies>
class fiber_scheduler;
template <class T = void>
class fiber;

namespace detail {

class fiber_runner;

// A fiber, as far as its context does not matter. As a work it makes itself ready.
struct fiber_task : work {
  fiber_task(fiber_runner& r, function makes_ready) noexcept : work(makes_ready), runner(&r) {}

  fiber_runner* runner;
  fiber_task* behind = nullptr;  // in the ring of those that are ready
  fiber_task* joiner = nullptr;
  bool ended = false;
  bool has_handle = false;
};

// What code inside a fiber needs of whatever scheduler runs it.
class fiber_runner {
 public:
  virtual void yield() noexcept = 0;
  virtual result<void> sleep_until(deadline at) noexcept = 0;
  virtual nanoseconds now() noexcept = 0;
  virtual void post(work& w) noexcept = 0;  // any thread
  // The running fiber waits until somebody makes it ready.
  virtual void suspend() noexcept = 0;
  virtual void ready(fiber_task& task) noexcept = 0;
  virtual void join(fiber_task& task) noexcept = 0;
  virtual void recycle(fiber_task& task) noexcept = 0;
  virtual bool is_here() const noexcept = 0;  // any thread
  // Null: outside of fibers.
  [[nodiscard]] fiber_task* current() const noexcept { return current_ != outside_ ? current_ : nullptr; }

 protected:
  explicit fiber_runner(fiber_task& outside) noexcept : current_(&outside), outside_(&outside) {}
  ~fiber_runner() = default;
  fiber_task* current_;
  fiber_task* outside_;
};

struct fiber_tag;

// Not inline: a compiler may keep the address of a thread_local over a switch, after which the fiber may be in another
// thread.
FRYS_NOINLINE inline fiber_runner* fiber_runner_here() noexcept {
  return static_cast<fiber_runner*>(os_threads::local<fiber_tag>());
}

// What other threads have posted for one thread, and that thread's sleep, in one word: null, the mark of a sleeper, or
// the last work that was posted.
template <class Atomics, class Wait, class Clock>
class post_box {
 public:
  // Any thread. True: the owner had set the mark by `arm`, and whoever gets this answer has to start it again.
  bool push(work& w) noexcept {
    work* last = last_.load(std::memory_order_relaxed);  // relaxed: a guess for the exchange
    do w.next = last == &mark_ ? nullptr : last;
    // sync(post_box.post): acq_rel; release: what the poster wrote is visible to whoever takes the work; acquire: who
    // takes the mark away starts the owner again, which sees what the last one did before it set the mark.
    while (!last_.compare_exchange_weak(last, &w, std::memory_order_acq_rel, std::memory_order_relaxed));
    // (relaxed on failure: another guess)
    return last == &mark_;
  }
  // Any thread; for an owner that sleeps in `sleep`. After this call returned or woke the owner, the box is not
  // touched.
  void push_and_wake(work& w) noexcept {
    if (push(w)) sleeper_.unpark();
  }

  // Owner only, like all below. The works in the order in which they were posted, linked by next.
  work* take() noexcept {
    // relaxed: mostly there is nothing, and then nothing is read
    if (last_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // sync(post_box.post): acquire; pairs with the release in push.
    work* newest = last_.exchange(nullptr, std::memory_order_acquire);
    if (newest == &mark_) return nullptr;
    work* first = nullptr;
    while (newest != nullptr) {
      work* const before = newest->next;
      newest->next = first;
      first = std::exchange(newest, before);
    }
    return first;
  }
  // Sets the mark. False: something was posted meanwhile.
  bool arm() noexcept {
    work* nothing = nullptr;
    // sync(post_box.post): release; pairs with the acquire of push. relaxed on failure: take acquires what came.
    return last_.compare_exchange_strong(nothing, &mark_, std::memory_order_release, std::memory_order_relaxed);
  }
  // Sleeps until something is posted or the deadline passes.
  void sleep(deadline until) noexcept {
    if (!arm() || sleeper_.park_until(until)) return;
    work* mark = &mark_;
    // Where the mark is gone already, its poster wakes us: that must not go to a box that died meanwhile, or to the
    // next sleep. relaxed: takes our own mark back, or take acquires what came.
    if (!last_.compare_exchange_strong(mark, nullptr, std::memory_order_relaxed, std::memory_order_relaxed))
      sleeper_.park();
  }

 private:
  work mark_;
  typename Atomics::template atomic<work*> last_{nullptr};
  parker<policy::atomics<Atomics>, policy::wait<Wait>, policy::clock<Clock>> sleeper_;
};

// What a fiber has answered.
template <class T>
class fiber_value {
 public:
  fiber_value() noexcept {}
  fiber_value(const fiber_value&) = delete;
  fiber_value& operator=(const fiber_value&) = delete;
  ~fiber_value() {
    if constexpr (!std::is_void_v<T>)
      if (has_value_) std::destroy_at(std::addressof(value_));
  }
  template <class F>
  void set_by(F&& f) {
    if constexpr (std::is_void_v<T>) {
      static_cast<F&&>(f)();
    } else {
      ::new (static_cast<void*>(std::addressof(value_))) T(static_cast<F&&>(f)());
      has_value_ = true;
    }
  }
  void set_failure(std::exception_ptr e) noexcept { failure_ = std::move(e); }
  T take() {
    if (failure_ != nullptr) rethrow();
    if constexpr (!std::is_void_v<T>) return std::move(value_);
  }

 private:
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(std::exchange(failure_, nullptr)); }

  struct nothing {};
  std::exception_ptr failure_ = nullptr;
  bool has_value_ = false;
  union {
    std::conditional_t<std::is_void_v<T>, nothing, T> value_;
  };
};

}  // namespace detail

// What code inside a fiber may ask for, without a word about its scheduler. A scheduler with another policy::threads
// has the same as members.
namespace this_fiber {

// Whether this is one.
[[nodiscard]] inline bool is_running() noexcept {
  const detail::fiber_runner* r = detail::fiber_runner_here();
  return r != nullptr && r->current() != nullptr;
}
// Lets the others that are ready run first.
inline void yield() noexcept {
  FRYS_ASSERT(is_running(), "this_fiber::yield: this is no fiber");
  detail::fiber_runner_here()->yield();
}
// errc::unsupported where the scheduler runs on an executor, which has timers of its own: fiber_await those.
inline result<void> sleep_until(deadline at) noexcept {
  FRYS_ASSERT(is_running(), "this_fiber::sleep_until: this is no fiber");
  return detail::fiber_runner_here()->sleep_until(at);
}
inline result<void> sleep_for(nanoseconds delay) noexcept {
  FRYS_ASSERT(is_running(), "this_fiber::sleep_for: this is no fiber");
  detail::fiber_runner& r = *detail::fiber_runner_here();
  const nanoseconds start = r.now();
  if (delay.count() > 0 && start > (nanoseconds::max)() - delay) return r.sleep_until(deadline::never());
  return r.sleep_until(deadline{delay.count() < 0 ? start : start + delay});
}

}  // namespace this_fiber

// What one fiber waits for and somebody else does: made in the fiber that will wait, on its stack mostly. It is a work:
// whoever runs it on the fiber's scheduler has set it, so any block that posts a work when it is done can wake a fiber.
class fiber_event : public work {
 public:
  // For the fiber that runs now.
  fiber_event() noexcept : fiber_event(here()) {}
  // The same where policy::threads is not os_threads: as fiber_scheduler::event() makes it.
  fiber_event(detail::fiber_runner& runner, detail::fiber_task& task) noexcept
      : work(&happens), runner_(&runner), task_(&task) {}
  fiber_event(const fiber_event&) = delete;
  fiber_event& operator=(const fiber_event&) = delete;

  // Any thread, once for each wait, before it or while it lasts. Behind the wake the event is not touched any more.
  void set() noexcept {
    if (runner_->is_here())
      happens(*this);
    else
      runner_->post(*this);
  }
  // The fiber that made it. Returns when it has been set, and makes it ready for another set and wait.
  void wait() noexcept {
    FRYS_ASSERT(runner_->current() == task_, "fiber_event::wait: another fiber made it");
    if (!is_set_) {
      waits_ = true;
      runner_->suspend();
      waits_ = false;
    }
    is_set_ = false;
  }

 private:
  explicit fiber_event(detail::fiber_runner& runner) noexcept : fiber_event(runner, *runner.current()) {}
  static detail::fiber_runner& here() noexcept {
    FRYS_ASSERT(this_fiber::is_running(), "fiber_event: this is no fiber");
    return *detail::fiber_runner_here();
  }
  static void happens(work& w) noexcept {
    auto& e = static_cast<fiber_event&>(w);
    e.is_set_ = true;
    if (e.waits_) e.runner_->ready(*e.task_);
  }

  detail::fiber_runner* runner_;
  detail::fiber_task* task_;
  // Only on the scheduler's thread.
  bool is_set_ = false;
  bool waits_ = false;
};

// What spawn answers: owns a fiber that ends with a T. Move it, join it or let it die inside fibers of the same
// scheduler, or outside of fibers on its thread: there join runs the scheduler.
template <class T>
class [[nodiscard]] fiber {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && std::is_move_constructible_v<T>),
                "frys::fiber<T>: T must be void or an object that can be moved; answer a pointer instead of a "
                "reference");

 public:
  using value_type = T;

  fiber() noexcept = default;  // of nothing
  fiber(fiber&& other) noexcept : task_(std::exchange(other.task_, nullptr)), value_(other.value_) {}
  fiber& operator=(fiber&& other) noexcept {
    if (this != &other) {
      wait_and_drop();
      task_ = std::exchange(other.task_, nullptr);
      value_ = other.value_;
    }
    return *this;
  }
  ~fiber() { wait_and_drop(); }

  [[nodiscard]] bool joinable() const noexcept { return task_ != nullptr; }
  [[nodiscard]] bool done() const noexcept { return task_ != nullptr && task_->ended; }
  // Waits for its end; answers what the callable answered, or rethrows what it threw.
  T join() {
    FRYS_ASSERT(joinable(), "fiber::join: there is no fiber to wait for");
    if (!task_->ended) task_->runner->join(*task_);
    struct dropped {
      fiber& self;
      ~dropped() { self.drop(); }
    } at_end{*this};
    return value_->take();
  }

 private:
  template <class...>
  friend class fiber_scheduler;
  fiber(detail::fiber_task& task, detail::fiber_value<T>& value) noexcept : task_(&task), value_(&value) {}

  void drop() noexcept {
    std::destroy_at(value_);
    detail::fiber_task& task = *std::exchange(task_, nullptr);
    task.runner->recycle(task);
  }
  void wait_and_drop() noexcept {
    if (task_ == nullptr) return;
    if (!task_->ended) task_->runner->join(*task_);
    drop();
  }

  detail::fiber_task* task_ = nullptr;
  detail::fiber_value<T>* value_ = nullptr;
};

struct fiber_options {
  std::size_t stack_bytes = 16 * 1024;            // of a fiber that does not ask for another size
  std::size_t limit_bytes = SIZE_MAX;             // of all stacks
  nanoseconds timer_tick = nanoseconds{100'000};  // sleepers wake at most that late
};

template <class... Policies>
class fiber_scheduler final : detail::fiber_runner {
  using accepted = policy::keys<policy::stack_switch_key, policy::guard_pages_key, policy::pages_key,
                                policy::atomics_key, policy::wait_key, policy::clock_key, policy::threads_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::fiber_scheduler: unknown policy; it takes policy::stack_switch, policy::guard_pages, "
                "policy::pages, policy::atomics, policy::wait, policy::clock, policy::threads and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::fiber_scheduler: a policy is given twice; name each at most once");

#if FRYS_HAS_MACHINE_SWITCH && !FRYS_CONTEXT_UCONTEXT
  using usual_switch = quick_switch;
#else
  using usual_switch = ucontext_switch;
#endif

 public:
  using switch_type = typename policy::pick<policy::stack_switch<usual_switch>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using threads_type = typename policy::pick<policy::threads<os_threads>, Policies...>::type;
  static_assert(
      requires(switch_type & s) { switch_type::jump(s, s, static_cast<void*>(nullptr)); },
      "frys::fiber_scheduler: policy::stack_switch wants a model of the switch, see core/context.hpp");
  static_assert(page_source<pages_type>,
                "frys::fiber_scheduler: policy::pages wants a page source, see core/concepts.hpp");
  static_assert(atomics_model<atomics_type>,
                "frys::fiber_scheduler: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::fiber_scheduler: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>,
                "frys::fiber_scheduler: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(thread_source<threads_type>,
                "frys::fiber_scheduler: policy::threads wants a source of threads, see core/thread.hpp");

  explicit fiber_scheduler(fiber_options options = {}) noexcept
      : fiber_runner(home_),
        stacks_({options.limit_bytes}),
        options_(options),
        home_(*this),
        timers_(clock_type::now(), options.timer_tick) {}
  fiber_scheduler(const fiber_scheduler&) = delete;
  fiber_scheduler& operator=(const fiber_scheduler&) = delete;
  ~fiber_scheduler() {
    FRYS_ASSERT(live_ == 0, "fiber_scheduler: destroyed while fibers have not ended");
    trim();
  }

  // A fiber that will call f(), behind those that are ready. Its stack is of the scheduler's size or `stack_bytes`.
  template <class F>
  [[nodiscard]] auto spawn(F&& f, std::size_t stack_bytes = 0) -> result<fiber<std::invoke_result_t<std::decay_t<F>>>> {
    using T = std::invoke_result_t<std::decay_t<F>>;
    using body = state<std::decay_t<F>, T, true>;
    block* const b = take_block(stack_bytes);
    if (b == nullptr) [[unlikely]]
      return why_not(stack_bytes);
    body* const s = place<body>(*b, std::forward<F>(f));
    b->has_handle = true;
    begin(*b);
    return fiber<T>(*b, s->value);
  }
  // One that nobody waits for. What f() answers is dropped; an exception that leaves it ends the program.
  template <class F>
  requires std::invocable<std::decay_t<F>> result<void> start(F&& f, std::size_t stack_bytes = 0) {
    using body = state<std::decay_t<F>, void, false>;
    block* const b = take_block(stack_bytes);
    if (b == nullptr) [[unlikely]]
      return why_not(stack_bytes);
    place<body>(*b, std::forward<F>(f));
    begin(*b);
    return {};
  }

  // Outside of fibers. Runs until all fibers have ended, and sleeps when all of them wait.
  void run() noexcept {
    run_while([this] { return live_ != 0; });
  }
  // Outside of fibers. Runs until no fiber is ready; answers whether there are some that wait.
  bool run_ready() noexcept {
    const running here(*this);
    while (turn()) {
    }
    return live_ != 0;
  }
  // Any thread: w runs on the scheduler's thread, outside of fibers.
  void post(work& w) noexcept override {
    if (host_ == nullptr)
      posted_.push_and_wake(w);
    else if (posted_.push(w))
      host_post_(host_, pump_);
  }
  // From now on the executor runs the fibers, a while at a time, and not run. Before others post. An executor of many
  // threads runs them on any of these, one thread at a time. The last call before the scheduler dies has to be over.
  template <executor E>
  void run_on(E& host) noexcept {
    FRYS_ASSERT(host_ == nullptr, "fiber_scheduler::run_on: it runs on an executor already");
    host_ = std::addressof(host);
    host_post_ = [](void* h, work& w) noexcept { static_cast<E*>(h)->post(w); };
    pump_.self = this;
    host.post(pump_);
  }

  // Inside a fiber of this scheduler: as in this_fiber.
  void yield() noexcept override {
    block& me = current_block();
    last_ = &me;
    go_on(me, *me.behind);
  }
  result<void> sleep_until(deadline at) noexcept override {
    if (host_ != nullptr)
      return error{errc::unsupported, domain::sched, "fibers that run on an executor sleep by its timers", 0};
    if (at.is_never()) {
      suspend();
      return {};
    }
    struct alarm : timer {
      explicit alarm(fiber_scheduler& s, block& b) noexcept : timer(&rings), scheduler(&s), sleeper(&b) {}
      static void rings(timer& t) noexcept {
        auto& a = static_cast<alarm&>(t);
        a.scheduler->ready_push(*a.sleeper);
      }
      fiber_scheduler* scheduler;
      block* sleeper;
    } at_end(*this, current_block());
    timers_.add(at_end, at);
    suspend();
    return {};
  }
  // An event of the running fiber.
  [[nodiscard]] fiber_event event() noexcept { return fiber_event(*this, current_block()); }

  // Fibers that have not ended.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  // Gives the stacks of fibers that have ended back to the system, but for some keep_bytes; answers how many bytes.
  std::size_t trim(std::size_t keep_bytes = 0) noexcept {
    for (block*& list : idle_)
      while (list != nullptr) {
        block* const b = std::exchange(list, static_cast<block*>(list->behind));
        stack& s = *b->memory;
        std::destroy_at(b);
        stacks_.release(s);
      }
    return stacks_.trim(keep_bytes);
  }

 private:
  using pool = stack_pool<policy::guard_pages<policy::pick<policy::guard_pages<true>, Policies...>::value>,
                          policy::pages<pages_type>, policy::atomics<atomics_type>>;
  using stack = typename pool::stack;
  using flow = basic_context<switch_type>;

  // Stands at the upper end of its stack, and stays there from fiber to fiber.
  struct alignas(64) block : detail::fiber_task {
    explicit block(fiber_scheduler& s) noexcept : fiber_task(s, &makes_ready) {}
    static void makes_ready(work& w) noexcept {
      auto& b = static_cast<block&>(w);
      static_cast<fiber_scheduler&>(*b.runner).ready_push(b);
    }
    flow self;
    // Of the C++ runtime: the exceptions that are caught in this flow, and how many are on their way.
    void* caught = nullptr;
    unsigned uncaught = 0;
    bool has_exceptions = false;
    unsigned size_class = 0;
    stack* memory = nullptr;
  };

  template <class F, class T, bool HasHandle>
  struct state {
    template <class G>
    explicit state(block& b, G&& g) : self(&b), f(std::forward<G>(g)) {}
    ~state() {}
    static flow& enter(void* argument) {
      auto& s = *static_cast<state*>(argument);
      block& self = *s.self;
      if constexpr (HasHandle) {
#if FRYS_EXCEPTIONS
        try {
          s.value.set_by(std::move(s.f));
        } catch (...) {
          s.value.set_failure(std::current_exception());
        }
#else
        s.value.set_by(std::move(s.f));
#endif
      } else {
        [](F& called) noexcept { static_cast<void>(std::move(called)()); }(s.f);
      }
      std::destroy_at(std::addressof(s.f));
      return static_cast<fiber_scheduler&>(*self.runner).end(self);
    }
    block* self;
    union {
      F f;
    };
    [[no_unique_address]] std::conditional_t<HasHandle, detail::fiber_value<T>, char>
        value;  // the handle ends its life
  };

  struct pump : work {
    pump() noexcept : work(&pumps) {}
    static void pumps(work& w) noexcept { static_cast<pump&>(w).self->run_hosted(); }
    fiber_scheduler* self = nullptr;
  };

  // While it lives, this thread runs the scheduler.
  class running {
   public:
    explicit running(fiber_scheduler& s) noexcept : before_(threads_type::template local<detail::fiber_tag>()) {
      FRYS_ASSERT(s.current() == nullptr, "fiber_scheduler: it runs already; call this outside of its fibers");
      threads_type::template local<detail::fiber_tag>() = static_cast<detail::fiber_runner*>(&s);
#if FRYS_EXCEPTIONS
      s.exceptions_ = reinterpret_cast<exception_lists*>(abi::__cxa_get_globals());
#endif
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() { threads_type::template local<detail::fiber_tag>() = before_; }

   private:
    void* before_;
  };
  // How the Itanium C++ ABI begins what a thread has of exceptions.
  struct exception_lists {
    void* caught;
    unsigned uncaught;
  };

  block& current_block() noexcept {
    FRYS_ASSERT(current() != nullptr, "fiber_scheduler: this is no fiber of it");
    return static_cast<block&>(*current_);
  }
  bool is_here() const noexcept override {
    return threads_type::template local<detail::fiber_tag>() == static_cast<const detail::fiber_runner*>(this);
  }

  // --- fibers come and go

  static std::size_t class_of(std::size_t bytes) noexcept {
    return bytes <= pool::smallest ? 0 : static_cast<std::size_t>(std::bit_width((bytes - 1) / pool::smallest));
  }
  block* take_block(std::size_t stack_bytes) noexcept {
    const std::size_t c = class_of(stack_bytes == 0 ? options_.stack_bytes : stack_bytes);
    if (c >= idle_.size()) return nullptr;
    block* const b = idle_[c];
    if (b == nullptr) [[unlikely]]
      return make_block(c);
    idle_[c] = static_cast<block*>(b->behind);
    return b;
  }
  FRYS_NOINLINE block* make_block(std::size_t c) noexcept {
    const result<stack*> s = stacks_.acquire(pool::smallest << c);
    if (!s) return nullptr;
    std::byte* const top = (*s)->span().data() + (*s)->span().size();
    block* const b = ::new (static_cast<void*>(top - sizeof(block))) block(*this);
    b->memory = *s;
    b->size_class = static_cast<unsigned>(c);
    return b;
  }
  // Asks again for what was refused, for the reason.
  FRYS_NOINLINE error why_not(std::size_t stack_bytes) noexcept {
    const result<stack*> s = stacks_.acquire(stack_bytes == 0 ? options_.stack_bytes : stack_bytes);
    if (!s) return s.error();
    stacks_.release(**s);
    return error{errc::out_of_memory, domain::sched, "no memory for the stack of a fiber", 0};
  }
  template <class Body, class F>
  Body* place(block& b, F&& f) {
    static_assert(
        sizeof(Body) <= 4096,
        "frys::fiber_scheduler: the callable and its answer lie on the fiber's stack, with 4 KiB at most; hold "
        "a pointer to what is larger");
    static_assert(alignof(Body) <= 64, "frys::fiber_scheduler: the callable is aligned to more than 64");
    std::byte* const low = b.memory->span().data();
    const std::size_t room = static_cast<std::size_t>(reinterpret_cast<std::byte*>(&b) - low);
    constexpr std::size_t size = (sizeof(Body) + 63) & ~std::size_t{63};
    struct taken {
      fiber_scheduler* self;
      block* of;
      ~taken() {
        if (of != nullptr) self->recycle(*of);
      }
    } unless_done{this, &b};
    unpoison(low + room - size, size);
    Body* const body = ::new (static_cast<void*>(low + room - size)) Body(b, std::forward<F>(f));
    unless_done.of = nullptr;
    b.self.make({low, room - size}, &Body::enter, body);
    return body;
  }
  void begin(block& b) noexcept {
    b.ended = false;
    ++live_;
    if (host_ == nullptr || is_here())
      ready_push(b);
    else
      post(b);
  }
  void recycle(detail::fiber_task& task) noexcept override {
    auto& b = static_cast<block&>(task);
    b.has_handle = false;
    b.behind = idle_[b.size_class];
    idle_[b.size_class] = &b;
  }
  // Answers where to go on.
  flow& end(block& b) noexcept {
    --live_;
    b.ended = true;
    if (b.joiner != nullptr) ready_push(*std::exchange(b.joiner, nullptr));
    block& to = next(without(b));
    // Our stack may be taken for another fiber, but not before we have left it: nobody else runs until then.
    if (!b.has_handle) recycle(b);
    arrive(to);
    return to.self;
  }
  void join(detail::fiber_task& task) noexcept override {
    if (current() == nullptr) {
      FRYS_ASSERT(host_ == nullptr, "fiber::join: the scheduler runs on an executor; join inside a fiber");
      run_while([&] { return !task.ended; });
      return;
    }
    FRYS_ASSERT(&task != current_, "fiber::join: a fiber cannot wait for itself");
    FRYS_ASSERT(task.joiner == nullptr, "fiber::join: somebody waits already");
    task.joiner = current_;
    suspend();
  }

  // --- who runs next

  // Those that are ready stand in a ring: the one that runs, behind it the next, and at last last_.
  void ready(detail::fiber_task& task) noexcept override { ready_push(task); }
  void suspend() noexcept override {
    block& me = current_block();
    go_on(me, without(me));
  }
  void ready_push(detail::fiber_task& b) noexcept {
    if (last_ == nullptr) {
      b.behind = &b;
    } else {
      b.behind = last_->behind;
      last_->behind = &b;
    }
    last_ = &b;
  }
  // Takes the running one out of the ring; answers the next, or home.
  detail::fiber_task& without(block& me) noexcept {
    detail::fiber_task* const to = me.behind;
    if (to == &me) {
      last_ = nullptr;
      return home_;
    }
    last_->behind = to;
    return *to;
  }
  // `to`, or from time to time home, to see what others have posted.
  block& next(detail::fiber_task& to) noexcept {
    if (--budget_ == 0) [[unlikely]]
      return home_;
    return static_cast<block&>(to);
  }
  void arrive(block& to) noexcept {
    current_ = &to;
#if FRYS_EXCEPTIONS
    if (to.has_exceptions) [[unlikely]]
      give_back(to);
#endif
  }
  FRYS_ALWAYS_INLINE void go_on(block& me, detail::fiber_task& wanted) noexcept {
    block& to = next(wanted);
    if (&to == &me) return;
#if FRYS_EXCEPTIONS
    // What the C++ runtime has of exceptions for the thread goes with the flow that they belong to.
    if (exceptions_->caught != nullptr || exceptions_->uncaught != 0) [[unlikely]]
      take_along(me);
#endif
    arrive(to);
    flow::switch_to(me.self, to.self);
  }
#if FRYS_EXCEPTIONS
  FRYS_NOINLINE void take_along(block& from) noexcept {
    from.caught = std::exchange(exceptions_->caught, nullptr);
    from.uncaught = std::exchange(exceptions_->uncaught, 0u);
    from.has_exceptions = true;
  }
  FRYS_NOINLINE void give_back(block& to) noexcept {
    exceptions_->caught = to.caught;
    exceptions_->uncaught = to.uncaught;
    to.has_exceptions = false;
  }
#endif

  // --- outside of fibers

  // Looks at what was posted and at the time, then lets fibers run for a while. False: there was nothing to do.
  bool turn() noexcept {
    bool did = false;
    for (work* w = posted_.take(); w != nullptr;) {
      work* const rest = w->next;
      did = true;
      w->run(*w);
      w = rest;
    }
    if (!timers_.empty()) timers_.advance(clock_type::now());
    if (last_ == nullptr) return did;
    budget_ = turn_length;
    go_on(home_, *last_->behind);
    return true;
  }
  template <class Condition>
  void run_while(Condition goes_on) noexcept {
    FRYS_ASSERT(host_ == nullptr, "fiber_scheduler::run: it runs on an executor");
    const running here(*this);
    while (goes_on())
      if (!turn() && goes_on()) posted_.sleep(timers_.next_deadline());
  }
  void run_hosted() noexcept {
    const running here(*this);
    for (unsigned turns = 0; turns != turns_hosted; ++turns)
      if (!turn() && posted_.arm()) return;
    host_post_(host_, pump_);  // let others of the executor have a turn
  }
  nanoseconds now() noexcept override { return clock_type::now(); }

  static constexpr unsigned turn_length = 64;
  static constexpr unsigned turns_hosted = 16;

  detail::fiber_task* last_ = nullptr;  // null: none is ready
  unsigned budget_ = turn_length;
  std::size_t live_ = 0;
  exception_lists* exceptions_ = nullptr;
  std::array<block*, std::bit_width(pool::largest / pool::smallest)> idle_{};
  pool stacks_;
  fiber_options options_;
  block home_;
  void* host_ = nullptr;
  void (*host_post_)(void*, work&) noexcept = nullptr;
  pump pump_;
  timer_wheel<policy::capacity<64>, policy::clock<clock_type>> timers_;
  alignas(cache_line) detail::post_box<atomics_type, wait_type, clock_type> posted_;
};

namespace detail {

// A coroutine that wakes a fiber when it is resumed, and is then over. It lies on the fiber's stack.
class fiber_bridge {
 public:
  static constexpr std::size_t usual_size = 256;
  struct memory {
    alignas(std::max_align_t) std::byte bytes[usual_size];
  };
  struct promise_type {
    promise_type(memory&, fiber_event& e) noexcept : waiting(&e) {}
    static void* operator new(std::size_t size, memory& m, fiber_event&) {
      return size <= usual_size ? m.bytes : ::operator new(size);
    }
    static void operator delete(void* at, std::size_t size) noexcept {
      if (size > usual_size) ::operator delete(at);
    }
    fiber_bridge get_return_object() noexcept {
      return fiber_bridge(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct waker {
        bool await_ready() const noexcept { return false; }
        // Not inline, so that nothing of the frame is touched after the wake: the fiber destroys it at once, perhaps on
        // another thread.
        FRYS_NOINLINE void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
          self.promise().waiting->set();
        }
        void await_resume() const noexcept {}
      };
      return waker{};
    }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}

    fiber_event* waiting;
  };

  explicit fiber_bridge(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}
  fiber_bridge(const fiber_bridge&) = delete;
  fiber_bridge& operator=(const fiber_bridge&) = delete;
  ~fiber_bridge() { handle_.destroy(); }
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

inline fiber_bridge bridge_to(fiber_bridge::memory&, fiber_event&) { co_return; }

template <class Awaiter>
void fiber_wait(Awaiter& a) {
  fiber_bridge::memory memory;
  fiber_event resumed;
  const fiber_bridge bridge = bridge_to(memory, resumed);
  using answer = decltype(a.await_suspend(bridge.handle()));
  if constexpr (std::is_void_v<answer>) {
    a.await_suspend(bridge.handle());
  } else if constexpr (std::same_as<answer, bool>) {
    if (!a.await_suspend(bridge.handle())) return;
  } else {
    a.await_suspend(bridge.handle()).resume();
  }
  resumed.wait();
}

}  // namespace detail

// Inside a fiber: waits for whatever a coroutine can wait for, and answers what co_await answers there. What that runs
// until it first waits, such as the body of a task, runs on the fiber's stack. Whoever resumes it may do so on any
// thread: the fiber goes on where its scheduler runs.
template <awaitable A>
await_result_t<A> fiber_await(A&& a) {
  auto&& waits = detail::awaiter_of(static_cast<A&&>(a));
  if (!waits.await_ready()) detail::fiber_wait(waits);
  return waits.await_resume();
}

}  // namespace frys::inline FRYS_ABI
#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#endif  // FRYS_SCHED_FIBER_HPP
