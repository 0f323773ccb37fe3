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

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/concepts.hpp"
#include "../core/context.hpp"
#include "../core/thread.hpp"
#include "../core/work.hpp"
#include "../policy.hpp"
#include "detail/fiber_blocks.hpp"
#include "detail/fiber_bridge.hpp"
#include "detail/fiber_exceptions.hpp"
#include "detail/fiber_ring.hpp"
#include "detail/fiber_runner.hpp"
#include "detail/fiber_value.hpp"
#include "detail/post_box.hpp"
#include "stack_pool.hpp"
#include "timer_wheel.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

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
        blocks_(options.limit_bytes),
        options_(options),
        home_(*this, &makes_ready),
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
    block* const b = blocks_.take(size_of(stack_bytes), *this, &makes_ready);
    if (b == nullptr) [[unlikely]]
      return blocks_.why_not(size_of(stack_bytes));
    body* const s = blocks_.template place<body>(*b, std::forward<F>(f));
    b->has_handle = true;
    begin(*b);
    return fiber<T>(*b, s->value);
  }
  // One that nobody waits for. What f() answers is dropped; an exception that leaves it ends the program.
  template <class F>
  requires std::invocable<std::decay_t<F>> result<void> start(F&& f, std::size_t stack_bytes = 0) {
    using body = state<std::decay_t<F>, void, false>;
    block* const b = blocks_.take(size_of(stack_bytes), *this, &makes_ready);
    if (b == nullptr) [[unlikely]]
      return blocks_.why_not(size_of(stack_bytes));
    blocks_.template place<body>(*b, std::forward<F>(f));
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
    go_on(me, ready_.pass(me));
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
        a.scheduler->ready_.push(*a.sleeper);
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
  std::size_t trim(std::size_t keep_bytes = 0) noexcept { return blocks_.trim(keep_bytes); }

 private:
  using pool = stack_pool<policy::guard_pages<policy::pick<policy::guard_pages<true>, Policies...>::value>,
                          policy::pages<pages_type>, policy::atomics<atomics_type>>;
  using flow = basic_context<switch_type>;
  using blocks = detail::fiber_blocks<flow, pool>;
  using block = typename blocks::block;

  // What a fiber begins with and ends in: its callable, and room for the answer.
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
      s.exceptions_.use_thread();
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() { threads_type::template local<detail::fiber_tag>() = before_; }

   private:
    void* before_;
  };

  block& current_block() noexcept {
    FRYS_ASSERT(current() != nullptr, "fiber_scheduler: this is no fiber of it");
    return static_cast<block&>(*current_);
  }
  bool is_here() const noexcept override {
    return threads_type::template local<detail::fiber_tag>() == static_cast<const detail::fiber_runner*>(this);
  }

  // --- fibers come and go

  [[nodiscard]] std::size_t size_of(std::size_t stack_bytes) const noexcept {
    return stack_bytes == 0 ? options_.stack_bytes : stack_bytes;
  }
  void begin(block& b) noexcept {
    b.ended = false;
    ++live_;
    if (host_ == nullptr || is_here())
      ready_.push(b);
    else
      post(b);
  }
  void recycle(detail::fiber_task& task) noexcept override { blocks_.give_back(static_cast<block&>(task)); }
  // Answers where to go on.
  flow& end(block& b) noexcept {
    --live_;
    b.ended = true;
    if (b.joiner != nullptr) ready_.push(*std::exchange(b.joiner, nullptr));
    block& to = next(without(b));
    // Our stack may be taken for another fiber, but not before we have left it: nobody else runs until then.
    if (!b.has_handle) blocks_.give_back(b);
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

  static void makes_ready(work& w) noexcept {
    auto& b = static_cast<block&>(w);
    static_cast<fiber_scheduler&>(*b.runner).ready_.push(b);
  }
  void ready(detail::fiber_task& task) noexcept override { ready_.push(task); }
  void suspend() noexcept override {
    block& me = current_block();
    go_on(me, without(me));
  }
  // The running one is no longer ready; answers the next, or home.
  detail::fiber_task& without(block& me) noexcept {
    ready_.pop(me);
    return me.behind == &me ? home_ : *me.behind;
  }
  // `to`, or from time to time home, to see what others have posted.
  block& next(detail::fiber_task& to) noexcept {
    if (--budget_ == 0) [[unlikely]]
      return home_;
    return static_cast<block&>(to);
  }
  void arrive(block& to) noexcept {
    current_ = &to;
    exceptions_.arrive(to.exceptions);
  }
  FRYS_ALWAYS_INLINE void go_on(block& me, detail::fiber_task& wanted) noexcept {
    block& to = next(wanted);
    if (&to == &me) return;
    exceptions_.leave(me.exceptions);
    arrive(to);
    flow::switch_to(me.self, to.self);
  }

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
    if (ready_.empty()) return did;
    budget_ = turn_length;
    go_on(home_, ready_.first());
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

  detail::fiber_ring ready_;
  unsigned budget_ = turn_length;
  std::size_t live_ = 0;
  [[no_unique_address]] detail::fiber_exceptions exceptions_;
  blocks blocks_;
  fiber_options options_;
  block home_;
  void* host_ = nullptr;
  void (*host_post_)(void*, work&) noexcept = nullptr;
  pump pump_;
  timer_wheel<policy::capacity<64>, policy::clock<clock_type>> timers_;
  alignas(cache_line) detail::post_box<atomics_type, wait_type, clock_type> posted_;
};

// Inside a fiber: waits for whatever a coroutine can wait for, and answers what co_await answers there. What that runs
// until it first waits, such as the body of a task, runs on the fiber's stack. Whoever resumes it may do so on any
// thread: the fiber goes on where its scheduler runs.
template <awaitable A>
await_result_t<A> fiber_await(A&& a) {
  auto&& waits = detail::awaiter_of(static_cast<A&&>(a));
  if (!waits.await_ready()) detail::fiber_wait<fiber_event>(waits);
  return waits.await_resume();
}

}  // namespace frys::inline FRYS_ABI
#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#endif  // FRYS_SCHED_FIBER_HPP
