// blocking_pool: threads for work that blocks in the system: fsync, name look-ups, calls into plugins. There are as
// many as work is under way, up to a cap, made when they are needed and gone when they are not.
//
// Use when  something waits in the kernel, or in a library that does, and a loop or a worker must not.
// Not when  work computes (sched/scheduler.hpp: as many threads as cores), or a reactor can do it without a thread.
// Threads   post, submit, run, close, stats: any thread. create, drain, shutdown, the destructor: the one that owns it,
//           and not from its own work.
// Starts    threads on demand, at most most_threads; `resident` of them from the beginning, which stay.
// Progress  post and submit take no lock; they block in the system where a thread has to be made or woken. Work waits
//           only where most_threads are busy, or no more can be made.
// Cost      post: two read-modify-writes and the queue's exchange, and a wake or a thread. submit: a block of the
//           allocator's thread cache besides. Idle threads sleep; the one that slept last works first, so the others
//           reach their keep_alive.
// Ordering  what was done before post or submit happens-before the work. Work begins oldest first; nothing is said of
//           its end. With `run`, the work happens-before what goes on after the await.
// Errors    create: errc::invalid_argument, errc::out_of_memory, and that of the threads. submit, run: errc::closed;
//           errc::out_of_memory; where there is no thread and none can be made, the error of that (EAGAIN is
//           errc::limit_exceeded). Where there is one, work waits for it and is never lost. What a submitted callable
//           throws goes to options.failed, without one it ends the program; run rethrows at the await.
// Shutdown  close() refuses new work; drain(deadline) waits until nothing is queued or running; shutdown(deadline)
//           drains, and cancels what has not begun by then. Cancelled callables are destroyed, their awaits answer
//           errc::cancelled; posted work is let go of. The destructor is shutdown at once and waits for what runs.
// Lifetime  destroy it when no other thread can call it.
//
// Policies, in any order, each at most once:
//   policy::threads<T>    who starts its threads                            default os_threads
//   policy::wait<W>       how an idle thread waits                          default wait::park
//   policy::clock<C>      of keep_alive and deadlines                       default clocks::steady
//   policy::allocator<A>  where callables lie; stateless, from any thread   default process_heap
//   policy::atomics<A>    the atomics model                                 default atomics::standard
#ifndef FRYS_SCHED_BLOCKING_POOL_HPP
#define FRYS_SCHED_BLOCKING_POOL_HPP

#include <array>
#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/clock.hpp"
#include "../core/concepts.hpp"
#include "../core/deadline.hpp"
#include "../core/eventcount.hpp"
#include "../core/parker.hpp"
#include "../core/result.hpp"
#include "../core/thread.hpp"
#include "../core/word_lock.hpp"
#include "../core/work.hpp"
#include "../memory/process_heap.hpp"
#include "../policy.hpp"
#include "../queue/intrusive_mpsc_queue.hpp"

#if FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI {

struct blocking_pool_options {
  unsigned most_threads = 512;
  unsigned resident = 0;                                 // made by create, and kept. With 1, post always has a thread
  nanoseconds keep_alive = nanoseconds{10'000'000'000};  // how long a thread sleeps before it goes
  const char* name = "blocking";                         // of the threads, with their number behind it
  std::size_t stack_bytes = std::size_t{2} * 1024 * 1024;
  void (*failed)(std::exception_ptr) noexcept = nullptr;  // a submitted callable's exception
};

struct blocking_pool_stats {
  unsigned threads = 0;          // now
  std::uint64_t unfinished = 0;  // work that waits or runs now
  std::uint64_t finished = 0;
  std::uint64_t started = 0;  // threads, in all
  std::uint64_t refused = 0;  // times that no thread could be made
};

namespace detail {

// What a callable for a result<T> answers as: result<X> stays what it is.
template <class T>
struct flat_result {
  using type = result<T>;
};
template <class T>
struct flat_result<result<T>> {
  using type = result<T>;
};

// Work of the pool's own, which can be cancelled.
struct blocking_job : work {
  enum class outcome : bool { runs, cancelled };
  using body = void (*)(blocking_job&, outcome) noexcept;
  explicit blocking_job(body b) noexcept : work(&enters), ends(b) {}
  static void enters(work& w) noexcept {
    auto& j = static_cast<blocking_job&>(w);
    j.ends(j, outcome::runs);
  }
  body ends;
};

}  // namespace detail

template <class... Policies>
class blocking_pool {
  using accepted = policy::keys<policy::threads_key, policy::wait_key, policy::clock_key, policy::allocator_key,
                                policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::blocking_pool: unknown policy; it takes policy::threads, policy::wait, policy::clock, "
                "policy::allocator, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::blocking_pool: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using threads_type = typename policy::pick<policy::threads<os_threads>, Policies...>::type;
  using allocator_type = typename policy::pick<policy::allocator<process_heap>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::blocking_pool: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::blocking_pool: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>,
                "frys::blocking_pool: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(thread_source<threads_type>,
                "frys::blocking_pool: policy::threads wants a source of threads, see core/thread.hpp");
  static_assert(stateless_allocator<allocator_type>,
                "frys::blocking_pool: policy::allocator wants a stateless allocator, see core/concepts.hpp");

  [[nodiscard]] static result<std::unique_ptr<blocking_pool>> create(
      const blocking_pool_options& options = {}) noexcept {
    if (options.most_threads == 0 || options.most_threads > most_slots || options.resident > options.most_threads)
      return error{errc::invalid_argument, domain::sched, "blocking_pool: 1 to 4096 threads, and no more that stay",
                   options.most_threads};
    std::unique_ptr<blocking_pool> pool(new (std::nothrow) blocking_pool(options));
    if (pool != nullptr) pool->slots_.reset(new (std::nothrow) slot[options.most_threads]);
    if (pool == nullptr || pool->slots_ == nullptr)
      return error{errc::out_of_memory, domain::sched, "no memory for a blocking_pool", 0};
    for (unsigned i = options.most_threads; i-- != 0;) {
      pool->slots_[i].pool = pool.get();
      pool->slots_[i].number = i;
      pool->push_slot(pool->empty_, pool->slots_[i]);
    }
    // Woken when all are there: one that sleeps already would be taken for the next.
    error why{};
    std::uint32_t last = 0;
    unsigned made = 0;
    for (; made != options.resident; ++made) {
      slot* const s = pool->claim(&why);
      if (s == nullptr) break;
      s->below.store(std::exchange(last, s->number + 1), std::memory_order_relaxed);  // relaxed: ours, not in the list
    }
    while (last != 0) {
      slot& s = pool->slots_[last - 1];
      last = s.below.load(std::memory_order_relaxed);  // relaxed: as above
      pool->wake(s);
    }
    if (made != options.resident) return why;  // those that were made end with the pool
    return pool;
  }
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;
  ~blocking_pool() {
    close();
    if (slots_ != nullptr) stop();
  }

  // Any thread. Runs w on a thread of the pool. Never refuses: where there is no thread and none can be made, w waits
  // until a later call can. Not after close.
  void post(work& w) noexcept {
    [[maybe_unused]] const std::uint64_t before = admit();
    FRYS_ASSERT((before & closed) == 0, "blocking_pool::post: the pool is closed");
    error why{};
    slot* const s = claim(&why);
    hand_in(w, s);
  }

  // Any thread. Runs f() on a thread of the pool.
  template <class F>
  requires std::invocable<std::decay_t<F>> result<void> submit(F&& f) {
    struct job final : detail::blocking_job {
      job(blocking_pool& p, F&& g) : blocking_job(&ends_with), pool(p), called(std::forward<F>(g)) {}
      static void ends_with(blocking_job& b, outcome how) noexcept {
        auto& j = static_cast<job&>(b);
        if (how == outcome::runs) {
#if FRYS_EXCEPTIONS
          if (j.pool.failed_ != nullptr) {
            try {
              static_cast<void>(std::move(j.called)());
            } catch (...) {
              j.pool.failed_(std::current_exception());
            }
          } else {
            static_cast<void>(std::move(j.called)());  // noexcept ends the program
          }
#else
          static_cast<void>(std::move(j.called)());
#endif
        }
        std::destroy_at(&j);
        allocator_type::deallocate(&j, sizeof(job), alignof(job));
      }
      blocking_pool& pool;
      std::decay_t<F> called;
    };
    const std::uint64_t before = admit();
    if ((before & closed) != 0) return give_up(is_closed());
    result<void*> memory = allocator_type::allocate(sizeof(job), alignof(job));
    if (!memory) return give_up(memory.error());
    error why{};
    slot* const s = claim(&why);
    if (s == nullptr && !has_threads()) {
      allocator_type::deallocate(*memory, sizeof(job), alignof(job));
      return give_up(why);
    }
    struct undo {
      blocking_pool* self;
      void* at;
      slot* woken;
      ~undo() {
        if (at == nullptr) return;
        allocator_type::deallocate(at, sizeof(job), alignof(job));
        self->finish();
        if (woken != nullptr) self->wake(*woken);
      }
    } unless_done{this, *memory, s};
    job* const made = ::new (*memory) job(*this, std::forward<F>(f));
    unless_done.at = nullptr;
    hand_in(*made, s);
    return {};
  }

  // co_await pool.run(f): f() on a thread of the pool, and then the coroutine goes on there; with an executor it goes
  // on where that runs it. Answers result<T> of what f answers (a result<T> as it is), or why f did not run; rethrows
  // what f throws. f lies in the awaiting frame: nothing is allocated. Dropping the coroutine meanwhile is not allowed.
  template <class F>
  requires std::invocable<std::decay_t<F>>
  [[nodiscard]] auto run(F&& f) { return operation<std::decay_t<F>, void>(*this, std::forward<F>(f), nullptr); }
  template <class F, executor E>
  requires std::invocable<std::decay_t<F>>
  [[nodiscard]] auto run(F&& f, E& back_on) {
    return operation<std::decay_t<F>, E>(*this, std::forward<F>(f), std::addressof(back_on));
  }

  // Any thread. From now on submit and run answer closed.
  void close() noexcept {
    load_.fetch_or(closed, std::memory_order_relaxed);  // relaxed: one word, and its changes have one order
  }
  // Owner only. Closes, and waits until nothing is queued and nothing runs; errc::timed_out at the deadline.
  result<void> drain(deadline until = deadline::never()) noexcept {
    close();
    if (!has_threads()) {  // for what was posted when no thread could be made
      error why{};
      if (slot* const s = claim(&why)) wake(*s);
    }
    return wait_for([](std::uint64_t load) { return load < one_job; }, until);
  }
  // Owner only. Drains, and cancels what has not begun at the deadline: then errc::timed_out. What runs goes on.
  result<void> shutdown(deadline until) noexcept {
    const result<void> r = drain(until);
    if (!r) cancel_queued();
    return r;
  }

  [[nodiscard]] blocking_pool_stats stats() const noexcept {
    blocking_pool_stats s;
    const std::uint64_t load = load_.load(std::memory_order_relaxed);  // relaxed, all of it: figures for people
    s.threads = static_cast<unsigned>(load & live_mask);
    s.unfinished = load / one_job;
    s.finished = finished_.load(std::memory_order_relaxed);  // relaxed: as above
    s.started = started_.load(std::memory_order_relaxed);    // relaxed: as above
    s.refused = refused_.load(std::memory_order_relaxed);    // relaxed: as above
    return s;
  }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  using thread = typename threads_type::thread;

  static constexpr unsigned most_slots = 4096;
  // load_: live threads, closed, work that is admitted and not finished.
  static constexpr std::uint64_t one_live = 1, live_mask = 0xffff, closed = 0x1'0000, one_job = std::uint64_t{1} << 32;

  // What a slot, a place for a thread, can be. In the list of places stand those that are empty, parked, or listed, and
  // whoever takes one out of it alone may change what it is, but for a parked thread that wakes by itself.
  enum place : std::uint32_t {
    empty,    // no thread
    running,  // a thread, not in the list
    listed,   // a thread that works, and stands in the list from a time when it slept
    parked,   // a thread that sleeps or is about to
    claimed,  // the same, and somebody who took it out of the list is going to wake it
  };
  struct alignas(cache_line) slot {
    blocking_pool* pool = nullptr;
    unsigned number = 0;
    atomic<std::uint32_t> is{empty};
    atomic<std::uint32_t> below{0};  // in the list: number + 1 of the next
    parker<policy::atomics<atomics_type>, policy::wait<wait_type>, policy::clock<clock_type>> sleeper;
    typename atomics_type::template var<thread> runs;  // of whoever has taken an empty slot out of the list
  };

  explicit blocking_pool(const blocking_pool_options& o) noexcept
      : keep_alive_(o.keep_alive), resident_(o.resident), failed_(o.failed), options_(o) {
    std::size_t i = 0;
    if (o.name != nullptr)
      for (; i + 8 < name_.size() && o.name[i] != '\0'; ++i) name_[i] = o.name[i];
    name_length_ = i;
  }

  // --- the lists of places: stacks, with a count of changes beside the number of the top against ABA

  using list = atomic<std::uint64_t>;
  void push_slot(list& onto, slot& s) noexcept {
    std::uint64_t top = onto.load(std::memory_order_relaxed);  // relaxed: a guess for the exchange
    do s.below.store(static_cast<std::uint32_t>(top & 0xffff'ffff), std::memory_order_relaxed);
    // (relaxed: published by the exchange)
    // sync(blocking_pool.list): release; whoever takes the slot sees what it is, and its thread object.
    while (!onto.compare_exchange_weak(top, next_version(top) | (s.number + 1), std::memory_order_release,
                                       std::memory_order_relaxed));
    // (relaxed on failure: another guess)
  }
  slot* pop_slot(list& from) noexcept {
    // sync(blocking_pool.list): acquire; pairs with the release in push_slot. With relaxed `below` could be an old one,
    // and the list lose what lies under this slot.
    std::uint64_t top = from.load(std::memory_order_acquire);
    for (;;) {
      const auto number = static_cast<std::uint32_t>(top & 0xffff'ffff);
      if (number == 0) return nullptr;
      slot& s = slots_[number - 1];
      // relaxed: where s has left the list meanwhile, this is nonsense and the exchange fails
      const std::uint32_t below = s.below.load(std::memory_order_relaxed);
      // sync(blocking_pool.list): acquire where it fails, as above. Where not, relaxed would do, as we have acquired
      // what it takes; but some compilers want no order weaker than the other.
      if (from.compare_exchange_weak(top, next_version(top) | below, std::memory_order_acquire,
                                     std::memory_order_acquire))
        return &s;
    }
  }
  static std::uint64_t next_version(std::uint64_t top) noexcept {
    return (top & ~std::uint64_t{0xffff'ffff}) + one_job;
  }

  // A thread that looks at the queue after the `wake` that the caller owes it: one that sleeps or, with `why`, a new
  // one. Null: all are busy, or no more can be made and `why` says so.
  slot* claim(error* why) noexcept {
    while (slot* const s = pop_slot(idle_)) {
      std::uint32_t seen = s->is.load(std::memory_order_relaxed);  // relaxed: the exchange below looks again
      while (seen != empty) {
        // From parked it is ours to wake; from listed it works, and is now only no more in the list. relaxed: whoever
        // sleeps is told by the unpark.
        const std::uint32_t to = seen == parked ? claimed : running;
        if (s->is.compare_exchange_weak(seen, to, std::memory_order_relaxed, std::memory_order_relaxed)) break;
      }
      if (seen == parked) return s;
      if (seen == empty) push_slot(empty_, *s);
    }
    if (why == nullptr) return nullptr;
    slot* const s = pop_slot(empty_);
    if (s == nullptr || start(*s, *why)) return s;
    push_slot(empty_, *s);
    return nullptr;
  }
  void wake(slot& s) noexcept { s.sleeper.unpark(); }

  bool start(slot& s, error& why) noexcept {
    if (thread& last = s.runs.ref(); last.joinable()) last.join();  // it has left, or is about to

    s.is.store(claimed, std::memory_order_relaxed);  // relaxed: the new thread sees it by its start
    std::array<char, 64> name = name_;
    if (options_.name != nullptr) {
      std::array<char, 5> digits{};
      std::size_t n = digits.size();
      unsigned number = s.number;
      do digits[--n] = static_cast<char>('0' + number % 10);
      while ((number /= 10) != 0);
      std::size_t at = name_length_;
      name[at++] = '-';
      while (n != digits.size()) name[at++] = digits[n++];
    }
    thread_options o;
    o.name = options_.name != nullptr ? name.data() : nullptr;
    o.stack_bytes = options_.stack_bytes;
    result<thread> t = threads_type::start(o, &enter, &s);
    if (t) {
      s.runs.ref() = *std::move(t);
      // Only now, so that who finds no thread and cannot make one does not count on ours. It waits for our wake, and
      // does not go before. relaxed: a count; our caller's work counts already
      load_.fetch_add(one_live, std::memory_order_relaxed);
      started_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
      return true;
    }
    why = t.error();
    refused_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
    s.is.store(empty, std::memory_order_relaxed);      // relaxed: push_slot publishes it
    return false;
  }

  // --- work comes in

  // Counts a piece of work before it is handed in: from here on the last thread does not go.
  std::uint64_t admit() noexcept {
    // relaxed: one word: a thread that goes has seen no work, or we see it gone
    return load_.fetch_add(one_job, std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_threads() const noexcept {
    // relaxed: our work is counted; from then on a last thread stays
    return (load_.load(std::memory_order_relaxed) & live_mask) != 0;
  }
  error give_up(const error& e) noexcept {
    finish();
    return e;
  }
  static error is_closed() noexcept { return {errc::closed, domain::sched, "the blocking_pool is closed", 0}; }

  void hand_in(work& w, slot* s) noexcept {
    queue_.push(w);
    if (s == nullptr) {
      // A thread may have looked before our push and put itself into the list after our look at that.
      // sync(blocking_pool.sleep): seq_cst; our push and the thread's entry in the list: one sees the other.
      atomics_type::fence(std::memory_order_seq_cst);
      error why{};
      s = claim(&why);
    }
    if (s != nullptr) wake(*s);
  }
  // One piece of work less.
  void finish() noexcept {
    // sync(blocking_pool.load): release; what the work did happens-before the end of drain.
    const std::uint64_t before = load_.fetch_sub(one_job, std::memory_order_release);
    if ((before & closed) != 0 && before / one_job == 1) over_.notify_all();
  }
  void leave_load() noexcept {
    // relaxed: who waits for that joins us
    const std::uint64_t before = load_.fetch_sub(one_live, std::memory_order_relaxed);
    if ((before & closed) != 0) over_.notify_all();
  }

  // --- a thread of the pool

  static void enter(void* argument) noexcept {
    slot& s = *static_cast<slot*>(argument);
    s.sleeper.park();                                // until who started us has brought its work
    s.is.store(running, std::memory_order_relaxed);  // relaxed: not in the list, nobody looks
    s.pool->work_in(s);
  }
  work* take(bool& more) noexcept {
    const held_lock held(consumers_);
    work* const w = queue_.pop();
    more = w != nullptr && !queue_.empty();
    return w;
  }
  [[nodiscard]] bool is_stopping() const noexcept {
    return stopping_.load(std::memory_order_relaxed);  // relaxed: says to look no more; see stop
  }

  void work_in(slot& s) noexcept {
    while (!is_stopping()) {
      bool more = false;
      work* w = take(more);
      if (w == nullptr) {
        if (!sleep(s, w, more)) return;
        if (w == nullptr) continue;
      }
      if (more)
        // Perhaps pushed earlier and to be seen only now: then its own thread has come, seen nothing, and sleeps.
        if (slot* const other = claim(nullptr)) wake(*other);
      w->run(*w);
      finished_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
      finish();
    }
    leave_load();
  }

  // In the list until somebody claims this thread, or it has slept for keep_alive, or there is work after all, which it
  // answers. False: it has gone.
  bool sleep(slot& s, work*& found, bool& more) noexcept {
    std::uint32_t seen = listed;
    // relaxed: what a claimer must see of us, it sees by the list or by the work
    if (!s.is.compare_exchange_strong(seen, parked, std::memory_order_relaxed, std::memory_order_relaxed)) {
      s.is.store(parked, std::memory_order_relaxed);  // relaxed: push_slot publishes it
      push_slot(idle_, s);
    }
    // sync(blocking_pool.sleep): seq_cst; pairs with the fence in hand_in.
    atomics_type::fence(std::memory_order_seq_cst);
    found = take(more);
    if (found != nullptr || is_stopping()) {
      if (gets_up(s)) return true;
      // Claimed meanwhile. Who did that brings work and then wakes us, but we are busy with other work: it gets
      // another.
      s.sleeper.park();
      error why{};
      if (slot* const other = found != nullptr ? claim(&why) : nullptr) wake(*other);
      return true;
    }
    for (;;) {
      if (s.sleeper.park_until(deadline::after<clock_type>(keep_alive_))) {
        static_cast<void>(gets_up(s));
        return true;
      }
      if (!may_go()) continue;
      seen = parked;
      // relaxed: who takes the slot joins us
      if (s.is.compare_exchange_strong(seen, empty, std::memory_order_relaxed, std::memory_order_relaxed)) {
        over_.notify_all();  // the destructor may wait for the last of us; it joins us, too
        return false;
      }
      // relaxed on failure: claimed. We stay, and are woken at once. relaxed: our own count comes back
      load_.fetch_add(one_live, std::memory_order_relaxed);
    }
  }
  // Out of sleep. False: somebody has claimed this thread.
  bool gets_up(slot& s) noexcept {
    std::uint32_t seen = parked;
    // relaxed: what a claimer has done, the parker tells
    if (s.is.compare_exchange_strong(seen, listed, std::memory_order_relaxed, std::memory_order_relaxed)) return true;
    s.is.store(running, std::memory_order_relaxed);  // relaxed: not in the list, nobody looks
    return false;
  }
  // Whether one thread less will do: then it is counted out.
  bool may_go() noexcept {
    std::uint64_t load = load_.load(std::memory_order_relaxed);  // relaxed: a guess for the exchange
    do {
      const std::uint64_t live = load & live_mask;
      if (live <= resident_ || (live == 1 && load >= one_job)) return false;
      // relaxed: as admit
    } while (!load_.compare_exchange_weak(load, load - one_live, std::memory_order_relaxed, std::memory_order_relaxed));
    return true;
  }

  // --- the end

  template <class Done>
  result<void> wait_for(Done done, deadline until) noexcept {
    for (;;) {
      // sync(blocking_pool.load): acquire; pairs with the release in finish.
      if (done(load_.load(std::memory_order_acquire))) return {};
      auto key = over_.prepare_wait();
      if (done(load_.load(std::memory_order_acquire))) {  // sync(blocking_pool.load), as above
        over_.cancel_wait();
        return {};
      }
      if (!over_.commit_wait_until(key, until))
        return error{errc::timed_out, domain::sched, "the blocking_pool has work left at the deadline", 0};
    }
  }
  void cancel_queued() noexcept {
    for (;;) {
      bool more = false;
      work* const w = take(more);
      if (w == nullptr) return;
      if (w->run == &detail::blocking_job::enters) {
        auto& j = static_cast<detail::blocking_job&>(*w);
        j.ends(j, detail::blocking_job::outcome::cancelled);
      }
      finish();
    }
  }
  void stop() noexcept {
    stopping_.store(true, std::memory_order_relaxed);  // relaxed: as in is_stopping
    // A thread that goes to sleep enters the list, has the consumers' lock, and looks at the word; we have the lock in
    // between the other way round. So one of us sees the other.
    cancel_queued();
    while (slot* const s = pop_slot(idle_)) wake(*s);
    static_cast<void>(wait_for([](std::uint64_t load) { return (load & live_mask) == 0; }, deadline::never()));
    for (unsigned i = 0; i != options_.most_threads; ++i)
      if (thread& last = slots_[i].runs.ref(); last.joinable()) last.join();
    cancel_queued();  // what running work has posted at the last moment
  }

  // --- awaiting

  template <class F, class E>
  class [[nodiscard]] operation : detail::blocking_job {
    using answer = std::invoke_result_t<F>;
    using result_type = typename detail::flat_result<answer>::type;

   public:
    template <class G>
    operation(blocking_pool& pool, G&& g, E* back_on)
        : blocking_job(&ends_with), pool_(&pool), back_on_(back_on), called_(std::forward<G>(g)) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      blocking_pool& pool = *pool_;
      if ((pool.admit() & closed) != 0) {
        outcome_.emplace(pool.give_up(is_closed()));
        return false;
      }
      error why{};
      slot* const s = pool.claim(&why);
      if (s == nullptr && !pool.has_threads()) {
        outcome_.emplace(pool.give_up(why));
        return false;
      }
      pool.hand_in(*this, s);  // from here on it may be over, and the frame gone
      return true;
    }
    result_type await_resume() {
      if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
      return *std::move(outcome_);
    }

   private:
    static void ends_with(blocking_job& b, outcome how) noexcept {
      auto& self = static_cast<operation&>(b);
      if (how == outcome::cancelled) {
        self.outcome_.emplace(error{errc::cancelled, domain::sched, "the blocking_pool was shut down first", 0});
      } else {
#if FRYS_EXCEPTIONS
        try {
          self.call();
        } catch (...) {
          self.failure_ = std::current_exception();
        }
#else
        self.call();
#endif
      }
      if constexpr (std::is_void_v<E>) {
        self.waiting_.resume();
      } else {
        self.run = [](work& w) noexcept { static_cast<operation&>(w).waiting_.resume(); };
        self.back_on_->post(self);
      }
    }
    void call() {
      if constexpr (std::is_void_v<answer>) {
        std::move(called_)();
        outcome_.emplace();
      } else {
        outcome_.emplace(std::move(called_)());
      }
    }

    blocking_pool* pool_;
    E* back_on_;
    F called_;
    std::coroutine_handle<> waiting_ = nullptr;
    std::optional<result_type> outcome_;
    std::exception_ptr failure_ = nullptr;
  };

  // Read by all, written at the beginning.
  nanoseconds keep_alive_;
  unsigned resident_;
  void (*failed_)(std::exception_ptr) noexcept;
  blocking_pool_options options_;
  std::array<char, 64> name_{};
  std::size_t name_length_ = 0;
  std::unique_ptr<slot[]> slots_;

  alignas(cache_line) atomic<std::uint64_t> load_{0};
  alignas(cache_line) list idle_{0};  // those that sleep, and some that have woken by themselves, or gone
  list empty_{0};                     // those without a thread

  atomic<bool> stopping_{false};
  intrusive_mpsc_queue<work, policy::atomics<atomics_type>> queue_;
  // One thread at a time is the queue's consumer.
  alignas(cache_line) word_lock<atomics_type, wait_type> consumers_;
  atomic<std::uint64_t> finished_{0}, started_{0}, refused_{0};
  eventcount<policy::atomics<atomics_type>, policy::wait<wait_type>, policy::clock<clock_type>> over_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_HAS_THREAD

#endif  // FRYS_SCHED_BLOCKING_POOL_HPP
