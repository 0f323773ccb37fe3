// scheduler: threads that run pieces of work: callables, posted nodes, coroutines, and the forks of plain functions.
//
// Use when  work comes in pieces that do not block, from its own threads or from outside, and shall use all cores.
// Not when  a piece blocks in the system (blocking_pool), or waits for sockets (a reactor: one thread each, io/).
// Threads   post, submit, submit_all, run, stats: any thread. create, drain, the destructor: the one that owns it.
//           Its tasks may call all but these three.
// Starts    `workers` threads, named; they end with the scheduler. run() lends it the calling thread besides.
// Progress  post and submit wait for nobody (with a discipline that shares one queue: for its lock). A piece that never
//           ends keeps its worker and holds nobody else up: what it has queued is taken by others.
// Cost      a submit: a block of the allocator's thread cache, where callable and queue link lie, a push or a
//           compare-exchange, and a fence: some 50 ns. A system call where a worker sleeps and nobody searches. Idle
//           workers search for a while, then sleep: no wake-ups, no processor time.
// Waking    one worker searches at a time, whoever finds work wakes the next if there is more; of those that sleep the
//           lowest is woken, so that little work stays on few workers. Where and how long a searcher looks is
//           policy::wait: wait::spin never sleeps, wait::park sleeps at once.
// Ordering  what was done before a submit happens-before the task. Tasks of one queue begin oldest first; what a worker
//           posts (not: submits) it runs next, three in a row at most. No order between workers.
// Timers    each worker has a wheel; any thread sets and cancels, O(1) under that wheel's lock. Any worker fires what
//           is due, so none waits for a long task unless all run one; of those that sleep one sleeps until the first.
//           A busy worker looks at its own each 16 tasks, at all each 256. Sharded: it fires its own, nobody else does.
// Errors    submit: full (no memory; the callable is untouched), closed. A task's exception goes to options.failed,
//           without one it ends the program; run() and fork_join rethrow where they answer.
// Shutdown  close() refuses submits from outside; drain(deadline) waits until nothing is queued or running. The
//           destructor lets running tasks end and begins no other: callables that still wait are destroyed, posted work
//           is let go of. It waits for running tasks as long as they run.
// Lifetime  destroy it when no other thread can call it, and not from one of its tasks.
//
// Policies, in any order, each at most once:
//   policy::discipline<D>  who runs what, see sched/discipline.hpp               default discipline::work_stealing
//   policy::levels<N>      priorities: submit_options::level, 0 the most urgent  default 1
//   policy::aging<K>       of K looks of a worker one begins further down; 0: urgent ones always first
//                                                                                default 16
//   policy::promotion<P>   how forks reach others, see sched/discipline.hpp      default promotion::on_demand
//   policy::wait<W>        how an idle worker waits                              default wait::spin_then_park
//   policy::clock<C>       of deadlines and timers, and of what is measured      default clocks::steady
//   policy::threads<T>     who starts its threads                                default os_threads
//   policy::allocator<A>   where callables lie; stateless, from any thread       default process_heap
//   policy::trace<T>       keeps what ran when, see sched/trace.hpp              default trace::none
//   policy::atomics<A>     the atomics model                                     default atomics::standard
// Source    R. Blumofe, C. Leiserson, "Scheduling multithreaded computations by work stealing", JACM 46(5), 1999; the
//           one searcher: D. Vyukov, "Scalable Go scheduler design", 2012; the newest piece: tokio's LIFO slot, 2019.
#ifndef FRYS_SCHED_SCHEDULER_HPP
#define FRYS_SCHED_SCHEDULER_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/clock.hpp"
#include "../core/concepts.hpp"
#include "../core/deadline.hpp"
#include "../core/result.hpp"
#include "../core/thread.hpp"
#include "../core/wait.hpp"
#include "../memory/process_heap.hpp"
#include "../policy.hpp"
#include "../queue/policies.hpp"
#include "../queue/result.hpp"
#include "detail/pool_core.hpp"
#include "detail/pool_sleep.hpp"
#include "discipline.hpp"
#include "feedback.hpp"
#include "fork_join.hpp"
#include "topology.hpp"
#include "trace.hpp"

#if FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI {

struct scheduler_options {
  static constexpr unsigned machine = ~0u;
  // Threads of its own. machine: as many as can run here (topology::worker_count). 0: who is inside run() works alone.
  // At most 256 with the guests.
  unsigned workers = machine;
  unsigned guests = 4;        // threads that can be inside run() at a time
  const char* name = "frys";  // of the threads, with their number behind it
  std::size_t stack_bytes = std::size_t{2} * 1024 * 1024;
  bool pin = false;  // each worker stays on one processor, as `place` says
  placement place = placement::compact;
  frys::scheduling scheduling = frys::scheduling::inherit;  // the class of its threads, with its number
  int priority = 0;
  nanoseconds runtime{0};  // these three: scheduling::deadline only
  nanoseconds deadline{0};
  nanoseconds period{0};
  bool insist = false;         // without the class and the processors that were asked for: no scheduler. Else told()
  unsigned search_rounds = 0;  // how often a worker looks around before it sleeps; 0: policy::wait's, some 25 us
  // Timers fire never early, and late by a tick, or until one of the workers, if all have tasks, looks at the clock.
  nanoseconds timer_tick{100'000};
  void (*failed)(std::exception_ptr) noexcept = nullptr;  // a task's exception; nullptr: it ends the program
};

// Whether a submit wakes somebody.
enum class wake : std::uint8_t {
  now,    // a worker, if one sleeps and nobody searches
  later,  // nobody: the next submit, or the next worker with nothing to do, finds it
};

struct submit_options {
  static constexpr unsigned any_worker = ~0u;
  unsigned level = ~0u;          // 0: the most urgent; default: the middle one
  unsigned worker = any_worker;  // this one alone runs it
  frys::deadline due{};          // discipline::deadline: by policy::clock
  frys::wake wake = frys::wake::now;
  // More comes soon: for so long the last worker with nothing to do looks on and does not sleep.
  nanoseconds stay_awake{0};
};

// Something that says when a task that has not begun shall not begin any more: std::stop_token, sched/cancel.hpp.
template <class T>
concept stop_signal = std::is_nothrow_move_constructible_v<T> && requires(const T& t) {
  { t.stop_requested() } -> std::convertible_to<bool>;
};

template <class... Policies>
class scheduler {
  using accepted = policy::keys<policy::discipline_key, policy::levels_key, policy::aging_key, policy::promotion_key,
                                policy::wait_key, policy::clock_key, policy::threads_key, policy::allocator_key,
                                policy::trace_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::scheduler: unknown policy; it takes policy::discipline, policy::levels, policy::aging, "
                "policy::promotion, policy::wait, policy::clock, policy::threads, policy::allocator, policy::trace, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::scheduler: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using threads_type = typename policy::pick<policy::threads<os_threads>, Policies...>::type;
  using allocator_type = typename policy::pick<policy::allocator<process_heap>, Policies...>::type;
  using discipline_type = typename policy::pick<policy::discipline<discipline::work_stealing>, Policies...>::type;
  using promotion_type = typename policy::pick<policy::promotion<promotion::on_demand>, Policies...>::type;
  using trace_type = typename policy::pick<policy::trace<frys::trace::none>, Policies...>::type;
  static constexpr unsigned level_count = policy::pick<policy::levels<1>, Policies...>::value;
  static_assert(atomics_model<atomics_type>,
                "frys::scheduler: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::scheduler: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>,
                "frys::scheduler: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(thread_source<threads_type>,
                "frys::scheduler: policy::threads wants a source of threads, see core/thread.hpp");
  static_assert(stateless_allocator<allocator_type>,
                "frys::scheduler: policy::allocator wants one without objects, see core/concepts.hpp");
  static_assert(scheduling_discipline<discipline_type>,
                "frys::scheduler: policy::discipline wants one of frys::discipline, see sched/discipline.hpp");
  static_assert(fork_promotion<promotion_type>,
                "frys::scheduler: policy::promotion wants one of frys::promotion, see sched/discipline.hpp");
  static_assert(level_count >= 1 && level_count <= 16, "frys::scheduler: policy::levels is from 1 to 16");
  static_assert(level_count == 1 || !discipline_type::shares,
                "frys::scheduler: a discipline with one queue for all has no levels; leave policy::levels out");

 private:
  struct config {
    using atomics = atomics_type;
    using wait = wait_type;
    using sleep = std::conditional_t<wait_type::sleeps, frys::wait::park, wait_type>;
    using clock = clock_type;
    using threads = threads_type;
    using discipline = discipline_type;
    using promotion = promotion_type;
    using trace = trace_type;
    static constexpr unsigned levels = level_count;
    static constexpr std::size_t aging = policy::pick<policy::aging<16>, Policies...>::value;
  };
  using core = detail::pool_core<config>;
  using worker = typename core::worker;
  using functions = detail::fork_join_functions<detail::fork_here<atomics_type, threads_type>>;
  using delayed = detail::delayed_work<core>;
  static constexpr bool is_sharded = core::is_sharded;

 public:
  // Starts the workers. errc::limit_exceeded: more than 256 with the guests; errc::invalid_argument: nobody who
  // could work; errc::out_of_memory; what thread_source::start answers: then none is left running.
  static result<std::unique_ptr<scheduler>> create(const scheduler_options& options = {}) {
    std::unique_ptr<scheduler> made(new (std::nothrow) scheduler(options));
    if (made == nullptr) return no_memory();
    if (auto begun = made->begin(options); !begun) return begun.error();
    return made;
  }
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler() {
    close();
    stop();
    drop_all();
  }

  // ---- work

  // Runs `w` on a worker: its own next one, if called on one. Never fails; an executor's post (core/concepts.hpp).
  void post(work& w) noexcept {
    const detail::work_ref r(w, false);
    if (worker* me = core_.here_of_mine()) {
      core_.push_newest(*me, r, level_count / 2);
      if constexpr (!is_sharded) core_.tell();
    } else {
      from_outside(r, r, 1, level_count / 2, wake::now);
    }
  }

  // Runs f() on a worker and drops what it answers. On full and closed it is untouched.
  template <class F>
  requires(std::invocable<std::decay_t<F>&>) push_result submit(F&& f, const submit_options& options = {}) {
    return submit_node<task_node<std::decay_t<F>>>(options, std::forward<F>(f));
  }
  // The same, unless `stop` says so before it begins: then f is destroyed and stats counts it.
  template <class F, stop_signal Stop>
  requires(std::invocable<std::decay_t<F>&>) push_result submit(Stop stop, F&& f, const submit_options& options = {}) {
    return submit_node<stoppable_node<std::decay_t<F>, Stop>>(options, std::forward<F>(f), std::move(stop));
  }
  // The same at the level that `by` has found for work like this, and tells it how long f took. It outlives f;
  // submits by one feedback come one after the other.
  template <class F, class... P>
  requires(std::invocable<std::decay_t<F>&>) push_result
      submit(basic_feedback<P...>& by, F&& f, submit_options options = {}) {
    options.level = by.level();
    return submit_node<measured_node<std::decay_t<F>, basic_feedback<P...>>>(options, std::forward<F>(f), by);
  }
  // Moves the callables in, as many as there is memory for, and answers how many. Workers are woken once, as many as
  // there is work for.
  template <class F>
  requires(std::invocable<F&>&& std::is_nothrow_move_constructible_v<F>) std::size_t
      submit_all(std::span<F> all, const submit_options& options = {}) {
    if (is_closed_to_me()) return 0;
    std::size_t done = 0;
    detail::work_ref newest, oldest;
    for (F& f : all) {
      auto* node = make_node<task_node<F>>(options, std::move(f));
      if (node == nullptr) break;
      const detail::work_ref r(*node, true);
      r.set_next(newest);
      newest = r;
      if (!oldest) oldest = r;
      ++done;
    }
    if (done != 0) hand_in(newest, oldest, done, options);
    return done;
  }

  // Runs f() on a worker when `at` has come, by policy::clock; where no worker is at hand then, later. Until then it
  // waits with the timers: drain does not wait for it, and where the pool dies before it is destroyed.
  template <class F>
  requires(std::invocable<std::decay_t<F>&>) push_result
      submit_at(deadline at, F&& f, const submit_options& options = {}) {
    return submit_later<task_node<std::decay_t<F>, delayed>>(at, options, std::forward<F>(f));
  }
  // The same, unless `stop` says so before it begins.
  template <class F, stop_signal Stop>
  requires(std::invocable<std::decay_t<F>&>) push_result
      submit_at(deadline at, Stop stop, F&& f, const submit_options& options = {}) {
    return submit_later<stoppable_node<std::decay_t<F>, Stop, delayed>>(at, options, std::forward<F>(f),
                                                                        std::move(stop));
  }

  // Runs f() on the calling thread as a worker of this pool: what it forks and submits is everybody's. Answers what f
  // answers. Where all guests' seats are taken f runs on a worker, and this thread sleeps.
  template <class F>
  requires std::invocable<F&>
  auto run(F&& f) -> std::invoke_result_t<F&> {
    if (core_.here_of_mine() != nullptr) return f();
    struct stay {
      scheduler& pool;
      worker* seat;
      void* before;
      explicit stay(scheduler& p)
          : pool(p), seat(p.find_seat()), before(threads_type::template local<detail::fork_seat_tag>()) {
        if (seat != nullptr) core::sit(seat);
      }
      ~stay() {
        if (seat == nullptr) return;
        threads_type::template local<detail::fork_seat_tag>() = before;
        pool.leave_seat(*seat);
      }
    } const at(*this);
    if (at.seat == nullptr) return run_there(f);
    [[maybe_unused]] const typename core::frames_type frames(core_.depot_);
    return f();
  }

  // co_await pool.schedule(): the coroutine goes on on a worker.
  [[nodiscard]] auto schedule() noexcept {
    struct awaiter : work {
      scheduler& pool;
      std::coroutine_handle<> waiting;
      explicit awaiter(scheduler& p) noexcept
          : work([](work& w) noexcept { static_cast<awaiter&>(w).waiting.resume(); }), pool(p) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        waiting = h;
        pool.post(*this);
      }
      void await_resume() const noexcept {}
    };
    return awaiter(*this);
  }

  // ---- timers

  // co_await: result<void>. The coroutine goes on on a worker when `until` has come (sharded: on the one it slept on),
  // or, errc::cancelled, when a stop is asked for. So the pool is a source for with_timeout. The pool outlives the
  // wait: where it does not, no stop may be asked for any more, and the coroutine can only be destroyed. Where `until`
  // has passed already it goes on where it is.
  [[nodiscard]] detail::pool_sleep<core> sleep_until(deadline until) noexcept { return {core_, until}; }
  [[nodiscard]] detail::pool_sleep<core> sleep_for(nanoseconds delay) noexcept {
    return sleep_until(deadline::after<clock_type>(delay));
  }
  // A timer in your own object, for timeouts by the million: derive from it or hold it. `fire`, which it is made with,
  // runs on a worker when it is due, in between two tasks or within one that waits: short, it waits for nothing. It may
  // set the timer again, or end it. A timer is not set when it dies; those that are set when the pool dies are let go.
  using timer_type = typename core::timer_type;
  // Any thread, for a timer that is not set. Who shall cancel it is told of it behind this.
  void add(timer_type& t, deadline at) noexcept {
    worker& home = core_.timer_home();
    home.timers.hold(t);
    (void)core_.add_timer(home, t, at.at);
  }
  // Any thread. True: it was set, and fires at that time instead. False: it is not; as cancel.
  bool move(timer_type& t, deadline at) noexcept { return core_.move_timer(t, at.at); }
  // Any thread. True: it would have fired, and will not; it is yours. False: it has fired, or does so now, or was never
  // set; leave it alone until you know that `fire` has been called.
  static bool cancel(timer_type& t) noexcept { return core::shelf::cancel(t); }

  // fork_join.hpp's functions in this pool's world; with default policies the same as frys::join and so on.
  template <class... F>
  static auto join(F&&... f) {
    return functions::join(f...);
  }
  template <class I, class Body>
  static void parallel_for(I first, I last, std::size_t grain, Body&& body) {
    functions::parallel_for(first, last, grain, body);
  }
  template <class I, class T, class Map, class Combine>
  [[nodiscard]] static T parallel_reduce(I first, I last, std::size_t grain, T identity, Map&& map, Combine&& combine) {
    return functions::parallel_reduce(first, last, grain, std::move(identity), map, combine);
  }
  static void tick() noexcept { functions::tick(); }

  // ---- shutdown

  // From now on submits from outside answer closed. Tasks may go on to submit.
  void close() noexcept {
    // sync(scheduler.closed): release; who is refused sees what led to it.
    closed_.store(true, std::memory_order_release);
  }
  // Waits until nothing is queued, nothing runs and nobody is inside run(); then true. False: not until the deadline.
  // Work that waits elsewhere, a suspended coroutine say, does not count. Without workers of its own a pool runs what
  // is queued only while somebody is inside run(). Not from a task.
  [[nodiscard]] bool drain(deadline until = deadline::never()) noexcept {
    FRYS_ASSERT(core_.here_of_mine() == nullptr, "scheduler::drain: called by a task, which it would wait for");
    // seq_cst: the mark stands before we look who sleeps; who lies down later sees it. sync(idle_set.dekker)
    core_.draining_.store(true, std::memory_order_seq_cst);
    atomics_type::fence(std::memory_order_seq_cst);
    if constexpr (!is_sharded)
      if (core_.has_work()) core_.tell();  // nobody may have been told: wake::later
    const bool quiet = core_.all_quiet_.await_until([this] { return is_quiet(); }, until);
    core_.draining_.store(false, std::memory_order_relaxed);  // relaxed: who lies down for it in vain is woken as ever
    return quiet;
  }

  // Whether the destructor has begun: for tasks that run long, and would rather end now.
  [[nodiscard]] bool is_stopping() const noexcept {
    return core_.stopping_.load(std::memory_order_relaxed);  // relaxed: it only has to be seen at last
  }

  // ---- about it

  [[nodiscard]] unsigned workers() const noexcept { return core_.threads_; }
  // Whether the calling thread is one of its workers, or inside run().
  [[nodiscard]] bool is_here() noexcept { return core_.here_of_mine() != nullptr; }
  // What was asked for its threads and is not permitted, of the first one that was refused it.
  [[nodiscard]] const result<void>& told() const noexcept { return told_; }
  // Of worker i; from workers() on of the guests' seats.
  [[nodiscard]] worker_stats stats(unsigned i) const noexcept {
    const worker& w = *core_.workers_[i];
    worker_stats s;
    s.runs = w.runs.value(), s.forks = w.forks.value(), s.offered = w.offered.value(), s.steals = w.steals.value();
    s.stolen_tasks = w.stolen.value(), s.searches = w.searches.value(), s.parks = w.parks.value();
    s.wakes = w.wakes.value(), s.dropped = w.dropped.value(), s.idle_ns = w.idle_ns.value(), s.timers = w.fired.value();
    // The sleep that goes on.
    if (const std::uint64_t since = w.slept_at.value(); since != 0) {
      const auto now = static_cast<std::uint64_t>(clock_type::now().count());
      if (now > since) s.idle_ns += now - since;
    }
    for (const auto& q : w.queues) s.queued += const_cast<typename core::queue&>(q).tasks.thief().size_hint();
    return s;
  }
  // With a policy::trace that keeps them: calls f(worker, kind, from, to, number) for each span; see write_trace.
  template <class F>
  void spans(F&& f) const requires requires(const typename core::recorder& r) {
    r.spans([](trace::span, nanoseconds, nanoseconds, unsigned) {});
  }
  {
    for (unsigned i = 0; i < core_.count_; ++i)
      core_.workers_[i]->trace.spans(
          [&](trace::span kind, nanoseconds from, nanoseconds to, unsigned number) { f(i, kind, from, to, number); });
  }
  // Of all, guests too.
  [[nodiscard]] worker_stats stats() const noexcept {
    worker_stats all;
    for (unsigned i = 0; i < core_.count_; ++i) all += stats(i);
    if constexpr (discipline_type::shares) all.queued += core_.shared_.size();
    return all;
  }

 private:
  explicit scheduler(const scheduler_options& o) noexcept
      : core_(o.search_rounds != 0 ? o.search_rounds : 1 + 8 * wait::detail::spin_budget<wait_type>(), o.timer_tick,
              o.failed) {}

  static error no_memory() noexcept {
    return {errc::out_of_memory, domain::sched, "no memory for the workers of a scheduler", 0};
  }

  result<void> begin(const scheduler_options& o) noexcept {
    unsigned own = o.workers;
    if (own == scheduler_options::machine) own = topology::machine().worker_count();
    const unsigned all = own + o.guests;
    if (own > core::idle::most || all > core::idle::most)
      return error{errc::limit_exceeded, domain::sched, "a scheduler has 256 workers and guests at most", all};
    if (all == 0 || (is_sharded && own == 0))
      return error{errc::invalid_argument, domain::sched, "a scheduler without workers", 0};
    core_.workers_.reset(new (std::nothrow) std::unique_ptr<worker>[all]);
    if (core_.workers_ == nullptr) return no_memory();
    for (unsigned i = 0; i < all; ++i) {
      core_.workers_[i].reset(new (std::nothrow) worker(core_, i));
      if (core_.workers_[i] == nullptr) return no_memory();
    }
    core_.count_ = all;
    core_.threads_ = own;
    unsigned cpus[core::idle::most];
    std::span<unsigned> placed;
    if (o.pin) placed = topology::machine().place(o.place, std::span(cpus, own));
    for (unsigned i = 0; i < own; ++i)
      if (auto started = start(i, o, placed); !started) return stop(), started.error();
    return {};
  }

  result<void> start(unsigned i, const scheduler_options& o, std::span<unsigned> placed) noexcept {
    char name[32];
    std::size_t n = 0;
    for (const char* c = o.name == nullptr ? "" : o.name; *c != 0 && n < 10; ++c) name[n++] = *c;
    if (n != 0) name[n++] = '-';
    if (i >= 100) name[n++] = static_cast<char>('0' + i / 100);
    if (i >= 10) name[n++] = static_cast<char>('0' + i / 10 % 10);
    name[n++] = static_cast<char>('0' + i % 10);
    name[n] = 0;
    thread_options t;
    t.name = name, t.stack_bytes = o.stack_bytes, t.scheduling = o.scheduling, t.priority = o.priority;
    t.runtime = o.runtime, t.deadline = o.deadline, t.period = o.period, t.insist = o.insist;
    if (!placed.empty()) t.cpus = placed.subspan(i % placed.size(), 1);
    auto started = threads_type::start(
        t, [](void* w) noexcept { live(*static_cast<worker*>(w)); }, core_.workers_[i].get());
    if (!started) return started.error();
    core_.workers_[i]->thread = *std::move(started);
    if constexpr (requires(const typename threads_type::thread& th) { th.told(); }) {
      if (const auto& told = core_.workers_[i]->thread.told(); !told && told_) told_ = told.error();
    }
    return {};
  }
  static void live(worker& me) noexcept { me.pool.live(me); }

  void stop() noexcept {
    // sync(idle_set.dekker): seq_cst; stands before we look who sleeps.
    core_.stopping_.store(true, std::memory_order_seq_cst);
    atomics_type::fence(std::memory_order_seq_cst);
    for (unsigned i = 0; i < core_.threads_; ++i)
      if (core_.idle_.pick_this(i, [] { return false; }) == i) core_.workers_[i]->sleeper.unpark();
    for (unsigned i = 0; i < core_.threads_; ++i)
      if (core_.workers_[i]->thread.joinable()) core_.workers_[i]->thread.join();
  }
  // Nobody runs any more.
  void drop_all() noexcept {
    for (unsigned i = 0; i < core_.count_; ++i) {
      worker& w = *core_.workers_[i];
      w.timers.clear(&delayed::drop_waiting);
      drop_chain(w.kept), drop_chain(w.sent.take_all());
      // relaxed: the threads have been joined
      drop(detail::work_ref::of_bits(w.newest.exchange(0, std::memory_order_relaxed)));
      for (auto& q : w.queues) {
        drop_chain(q.posted.take_all());
        while (auto got = q.own.try_pop()) drop(detail::work_ref::of_bits(got.value()));
      }
    }
    while (detail::work_ref r = core_.shared_.pop()) drop(r);
  }
  static void drop_chain(detail::work_ref r) noexcept {
    while (r) {
      const detail::work_ref after = r.next();
      drop(r);
      r = after;
    }
  }
  static void drop(detail::work_ref r) noexcept {
    if (r && r.is_owned()) r.owned().drop(r.owned());
  }

  [[nodiscard]] bool is_quiet() const noexcept {
    // sync(scheduler.seat): acquire; a guest that has left has counted what it did.
    return seats_taken_.load(std::memory_order_acquire) == 0 && core_.is_quiet() &&
           seats_taken_.load(std::memory_order_acquire) == 0;
  }

  // ---- callables

  template <class F, class Base = detail::owned_work>
  struct task_node final : Base {
    template <class G>
    explicit task_node(G&& from) : Base(&begin, &end), f(std::forward<G>(from)) {}
    static void begin(work& w) noexcept {
      auto& self = static_cast<task_node&>(w);
      call(self.f);
      end(self);
    }
    static void end(detail::owned_work& w) noexcept { release(static_cast<task_node&>(w)); }
    F f;
  };
  template <class F, class Stop, class Base = detail::owned_work>
  struct stoppable_node final : Base {
    template <class G>
    explicit stoppable_node(G&& g, Stop&& s) : Base(&begin, &end), f(std::forward<G>(g)), stop(std::move(s)) {}
    static void begin(work& w) noexcept {
      auto& self = static_cast<stoppable_node&>(w);
      if (self.stop.stop_requested())
        core::here()->dropped.add();
      else
        call(self.f);
      end(self);
    }
    static void end(detail::owned_work& w) noexcept { release(static_cast<stoppable_node&>(w)); }
    F f;
    Stop stop;
  };
  template <class F, class Feedback>
  struct measured_node final : detail::owned_work {
    template <class G>
    measured_node(G&& from, Feedback& b) : owned_work(&begin, &end), f(std::forward<G>(from)), by(b) {}
    static void begin(work& w) noexcept {
      auto& self = static_cast<measured_node&>(w);
      Feedback& told = self.by;
      const nanoseconds from = clock_type::now();
      call(self.f);
      told.ran(clock_type::now() - from);
      end(self);
    }
    static void end(owned_work& w) noexcept { release(static_cast<measured_node&>(w)); }
    F f;
    Feedback& by;
  };
  template <class F>
  static void call(F& f) noexcept {
#if FRYS_EXCEPTIONS
    try {
      static_cast<void>(f());
    } catch (...) {
      if (auto* failed = core::here()->pool.failed_; failed != nullptr)
        failed(std::current_exception());
      else
        std::terminate();
    }
#else
    static_cast<void>(f());
#endif
  }
  template <class Node>
  static void release(Node& node) noexcept {
    std::destroy_at(&node);
    allocator_type::deallocate(&node, sizeof(Node), alignof(Node));
  }
  template <class Node, class... Args>
  Node* make_node(const submit_options& o, Args&&... args) {
    const auto memory = allocator_type::allocate(sizeof(Node), alignof(Node));
    if (!memory) return nullptr;
    struct guard {
      void* m;
      ~guard() {
        if (m != nullptr) allocator_type::deallocate(m, sizeof(Node), alignof(Node));
      }
    } unused{*memory};
    Node* node = ::new (*memory) Node(std::forward<Args>(args)...);
    unused.m = nullptr;
    if constexpr (requires { discipline_type::by_deadline; }) node->due = o.due;
    return node;
  }
  // full and closed: `node` is null.
  template <class Node, class... Args>
  push_result try_make(Node*& node, const submit_options& o, Args&&... args) {
    FRYS_ASSERT(o.worker == submit_options::any_worker || o.worker < core_.threads_,
                "scheduler::submit: there is no such worker");
    if (is_closed_to_me()) return push_result::closed;
    node = make_node<Node>(o, std::forward<Args>(args)...);
    return node == nullptr ? push_result::full : push_result::ok;
  }
  template <class Node, class... Args>
  push_result submit_node(const submit_options& o, Args&&... args) {
    Node* node = nullptr;
    if (const push_result made = try_make(node, o, std::forward<Args>(args)...); made != push_result::ok) return made;
    const detail::work_ref r(*node, true);
    hand_in(r, r, 1, o);
    return push_result::ok;
  }
  template <class Node, class... Args>
  push_result submit_later(deadline at, const submit_options& o, Args&&... args) {
    Node* node = nullptr;
    if (const push_result made = try_make(node, o, std::forward<Args>(args)...); made != push_result::ok) return made;
    node->level = level_of(o);
    node->to = o.worker;
    add(*node, at);
    return push_result::ok;
  }
  static unsigned level_of(const submit_options& o) noexcept {
    return o.level < level_count ? o.level : level_count / 2;
  }
  [[nodiscard]] bool is_closed_to_me() noexcept {
    // sync(scheduler.closed): acquire.
    return closed_.load(std::memory_order_acquire) && core_.here_of_mine() == nullptr;
  }
  // A chain, the newest first.
  void hand_in(detail::work_ref newest, detail::work_ref oldest, std::size_t count, const submit_options& o) noexcept {
    const unsigned level = level_of(o);
    if (o.stay_awake.count() > 0) core_.stay_awake_for(o.stay_awake);
    if (o.worker != submit_options::any_worker) {
      send_chain(o.worker, newest);
    } else if (worker* me = core_.here_of_mine()) {
      push_chain(*me, newest, level);
      if constexpr (!is_sharded)
        if (o.wake == wake::now) core_.tell_many(count);
    } else {
      from_outside(newest, oldest, count, level, o.wake);
    }
  }
  void push_chain(worker& me, detail::work_ref newest, unsigned level) noexcept {
    detail::work_ref oldest;
    while (newest) {
      const detail::work_ref before = newest.next();
      newest.set_next(oldest);
      oldest = newest;
      newest = before;
    }
    while (oldest) {
      const detail::work_ref after = oldest.next();
      core_.push(me, oldest, level);
      oldest = after;
    }
  }
  void from_outside(detail::work_ref newest, detail::work_ref oldest, std::size_t count, unsigned level,
                    wake how) noexcept {
    if constexpr (is_sharded) {
      (void)oldest, (void)count, (void)level, (void)how;
      // relaxed: any worker will do, in turns
      send_chain(turn_.fetch_add(1, std::memory_order_relaxed) % core_.threads_, newest);
    } else {
      core_.push_outside(newest, oldest, level);
      if (how == wake::now || is_drained()) core_.tell_many(count);
    }
  }
  // Somebody waits until what has been handed in is done: then there is no later.
  [[nodiscard]] bool is_drained() const noexcept {
    // sync(idle_set.dekker): seq_cst; the work stands before we look; drain's mark before it looks for work.
    atomics_type::fence(std::memory_order_seq_cst);
    return core_.draining_.load(std::memory_order_relaxed);  // relaxed: behind the fence
  }
  void send_chain(unsigned to, detail::work_ref newest) noexcept {
    while (newest) {
      const detail::work_ref before = newest.next();
      core_.send(to, newest);
      newest = before;
    }
  }

  // ---- guests

  worker* take_seat() noexcept {
    for (unsigned i = core_.threads_; i < core_.count_; ++i) {
      const std::uint64_t bit = std::uint64_t{1} << ((i - core_.threads_) % 64);
      if (i - core_.threads_ >= 64) return nullptr;
      std::uint64_t taken = seats_taken_.load(std::memory_order_relaxed);  // relaxed: a guess
      while ((taken & bit) == 0)
        // sync(scheduler.seat): acquire; what the last guest did with the seat is done.
        if (seats_taken_.compare_exchange_weak(taken, taken | bit, std::memory_order_acquire,
                                               std::memory_order_relaxed)) {
          worker* seat = core_.workers_[i].get();
          seat->ask();  // somebody may sleep who wants its forks
          return seat;
        }
    }
    return nullptr;
  }
  // nullptr: none is free, and a worker does it. Where there is none, waits.
  worker* find_seat() noexcept {
    worker* seat = take_seat();
    if (seat == nullptr && core_.threads_ == 0) core_.all_quiet_.await([&] { return (seat = take_seat()) != nullptr; });
    return seat;
  }
  void leave_seat(worker& seat) noexcept {
    // What it has submitted and not run is the others'. From its queue they steal; where nobody does it is sent out.
    if constexpr (is_sharded) {
      // relaxed: as in from_outside
      while (detail::work_ref r = core_.own(seat))
        core_.send(turn_.fetch_add(1, std::memory_order_relaxed) % core_.threads_, r);
    } else {
      while (work* forked = seat.pop_task()) core_.push(seat, detail::work_ref(*forked, false), level_count / 2);
      // relaxed: what stands there is this thread's own, or a thief has had it
      if (const auto last = detail::work_ref::of_bits(seat.newest.exchange(0, std::memory_order_relaxed)))
        core_.push(seat, last, level_count / 2);
    }
    seat.rest.rise();
    const std::uint64_t bit = std::uint64_t{1} << (seat.index - core_.threads_);
    // sync(scheduler.seat): release; pairs with take_seat.
    seats_taken_.fetch_and(~bit, std::memory_order_release);
    if constexpr (!is_sharded) core_.tell();
    core_.all_quiet_.notify_all();
  }
  template <class F>
  auto run_there(F& f) -> std::invoke_result_t<F&> {
    using value = detail::piece_result<F>;
    struct state {
      F& f;
      scheduler& pool;
      std::optional<value> out{};
      std::exception_ptr failure = nullptr;
      typename atomics_type::template atomic<bool> done{false};
    } s{f, *this};
    struct errand : work {
      state* s;
      explicit errand(state& st) noexcept : work(&go), s(&st) {}
      static void go(work& w) noexcept {
        state& s = *static_cast<errand&>(w).s;
#if FRYS_EXCEPTIONS
        try {
          s.out.emplace(detail::run_piece(s.f));
        } catch (...) {
          s.failure = std::current_exception();
        }
#else
        s.out.emplace(detail::run_piece(s.f));
#endif
        scheduler& told = s.pool;
        s.done.store(true, std::memory_order_release);  // sync(scheduler.errand): release; behind it all is gone
        told.core_.all_quiet_.notify_all();
      }
    } e(s);
    post(e);
    // sync(scheduler.errand): acquire; what f answered is whole.
    core_.all_quiet_.await([&] { return s.done.load(std::memory_order_acquire); });
    if (s.failure != nullptr) std::rethrow_exception(s.failure);
    if constexpr (!std::is_void_v<std::invoke_result_t<F&>>) return *std::move(s.out);
  }

  core core_;
  result<void> told_;
  typename atomics_type::template atomic<bool> closed_{false};
  typename atomics_type::template atomic<std::uint32_t> turn_{0};
  typename atomics_type::template atomic<std::uint64_t> seats_taken_{0};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_HAS_THREAD

#endif  // FRYS_SCHED_SCHEDULER_HPP
