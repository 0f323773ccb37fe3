// task_group: callables whose number nobody knows beforehand, run by the workers of a scheduler and waited for at once.
//
// Use when  a piece of work finds more pieces as it goes: a tree, a graph, files of a folder; or when pieces of several
//           owners share a pool, and none shall have more than its part of the cores (the budget).
// Not when  there are two pieces or a range (fork_join: nothing is allocated), or nobody waits (scheduler::submit).
// Threads   wait and the destructor: the one that made it. run: that one, and the group's own tasks. cancel,
//           is_cancelled: any thread. On a thread that works for no scheduler run calls the callable at once.
// Progress  run waits for nobody; with a budget, for a lock of a few instructions. wait runs tasks meanwhile, of this
//           group or another, and sleeps where there are none.
// How       what is run lies in a stack of the worker, where the one that waits takes the newest; others take half of
//           it, the oldest. The oldest four are always there to be taken, the rest where a worker has nothing to do.
// Cost      5 to 12 ns for a task that nobody else takes: a block that the worker keeps from tasks before, no
//           read-modify-write. A theft of one or many costs some 100 ns; tasks of another worker are counted many at a
//           time. Tasks that who waits runs itself stand in no statistics of the scheduler, and in no trace.
// Budget    at most so many tasks of the group run at a time, anywhere; the others wait in the group, oldest first, not
//           in the workers' queues.
// Errors    the first exception of a task is rethrown by wait, and cancels what has not begun. run: full: no memory,
//           the callable is untouched.
// Lifetime  the destructor waits, too, if wait has not been called, and drops an exception.
//
// Policies, in any order, each at most once:
//   policy::allocator<A>  where callables lie; stateless, from any thread. Blocks of process_heap up to 256 bytes the
//                         workers keep for the next, each some hundreds    default process_heap
//   policy::threads<T>    the scheduler's                                  default os_threads
//   policy::atomics<A>    the scheduler's                                  default atomics::standard
// Source    the two parts of the stack: queue/stealing_deque.hpp.
#ifndef FRYS_SCHED_TASK_GROUP_HPP
#define FRYS_SCHED_TASK_GROUP_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/thread.hpp"
#include "../core/word_lock.hpp"
#include "../memory/process_heap.hpp"
#include "../policy.hpp"
#include "../queue/result.hpp"
#include "detail/run_queue.hpp"
#include "fork_join.hpp"

#if FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_task_group {
  using accepted = policy::keys<policy::allocator_key, policy::threads_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::task_group: unknown policy; it takes policy::allocator, policy::threads, policy::atomics and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::task_group: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using threads_type = typename policy::pick<policy::threads<os_threads>, Policies...>::type;
  using allocator_type = typename policy::pick<policy::allocator<process_heap>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::task_group: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(thread_source<threads_type>,
                "frys::task_group: policy::threads wants a source of threads, see core/thread.hpp");
  static_assert(stateless_allocator<allocator_type>,
                "frys::task_group: policy::allocator wants one without objects, see core/concepts.hpp");

  // budget: how many of its tasks run at a time; 0: as many as there are workers.
  explicit basic_task_group(unsigned budget = 0) noexcept : waiter_(here::seat()), budget_(budget) {}
  basic_task_group(const basic_task_group&) = delete;
  basic_task_group& operator=(const basic_task_group&) = delete;
  ~basic_task_group() { await_all(); }

  // Runs f() on some worker, sooner or later.
  template <class F>
  requires(std::invocable<std::decay_t<F>&>) push_result run(F&& f) {
    seat_type* const seat = here::seat();
    if (seat == nullptr) {
      run_here(f);
      return push_result::ok;
    }
    using node_type = node<std::decay_t<F>>;
    auto* const made = make<node_type>(seat, *this, std::forward<F>(f));
    if (made == nullptr) [[unlikely]]
      return push_result::full;
    if (seat == waiter_ && budget_ == 0) [[likely]] {
      ++local_;
      if (!seat->push_group_task(*made)) [[unlikely]]
        made->run(*made);  // no memory
    } else {
      count_and_pass(*seat, *made);
    }
    return push_result::ok;
  }

  // Until all of its tasks have ended; runs tasks meanwhile. Rethrows the first exception. The group may be used again.
  void wait() {
    await_all();
    cancelled_.store(false, std::memory_order_relaxed);          // relaxed: nobody runs for the group
    if (failed_.load(std::memory_order_relaxed)) [[unlikely]] {  // relaxed: await_all has acquired it
      failed_.store(false, std::memory_order_relaxed);           // relaxed: as above
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }
  // Tasks that have not begun do not run, until the next wait has returned.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }  // relaxed: seen at last
  // For tasks that run long, and would rather end.
  [[nodiscard]] bool is_cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: as in cancel
  }

 private:
  using here = detail::fork_here<atomics_type, threads_type>;
  using seat_type = detail::fork_seat<atomics_type>;
  using group_task = detail::group_task<atomics_type>;
  // Tasks are counted where the group is waited for, without an atomic (local_), and for all others in elsewhere_,
  // twice, with a mark for who waits. Either may be below zero: the sum counts. Another seat tells elsewhere_ of many
  // at a time, too many rather than too few (fork_seat::tally).
  static constexpr std::size_t awaited = 1, one = 2;
  static constexpr std::size_t credit = 16;
  static constexpr unsigned most_in_a_row = 64;

  struct task : group_task {
    task(basic_task_group& g, work::function r, void (*e)(task&) noexcept) noexcept : group_task(r, &g), end(e) {}
    [[nodiscard]] basic_task_group& owner() const noexcept {
      return *static_cast<basic_task_group*>(const_cast<void*>(this->group));
    }
    void (*end)(task&) noexcept;  // its life, not its count
  };
  template <class F>
  struct node final : task {
    template <class G>
    node(basic_task_group& g, G&& from) noexcept(std::is_nothrow_constructible_v<F, G>)
        : task(g, &begin, &destroy), f(std::forward<G>(from)) {}
    static void begin(work& w) noexcept {
      auto& self = static_cast<node&>(w);
      basic_task_group& group = self.owner();
      seat_type& seat = *here::seat();
      const bool mine = &seat == group.waiter_;
      if (!mine && seat.counted.group != &group) return group.begin_row(seat, self);
      if (self.victim != nullptr) [[unlikely]]
        seat.take_more(*std::exchange(self.victim, nullptr));
      if (!group.is_cancelled()) group.run_here(self.f);
      unmake(&seat, self);
      if (group.budget_ != 0) [[unlikely]]
        group.begin_next();
      if (mine)
        --group.local_;
      else
        ++seat.counted.owed;
    }
    static void destroy(task& t) noexcept { unmake(here::seat(), static_cast<node&>(t)); }
    F f;
  };
  // On its way through the queues of a pool that may end before the group.
  struct errand final : detail::owned_work {
    explicit errand(task& t) noexcept : owned_work(&begin, &drop), sent(t) {}
    static void begin(work& w) noexcept {
      task& t = static_cast<errand&>(w).sent;
      unmake(here::seat(), static_cast<errand&>(w));
      t.run(t);
    }
    static void drop(detail::owned_work& w) noexcept {
      task& t = static_cast<errand&>(w).sent;
      unmake(here::seat(), static_cast<errand&>(w));
      t.owner().drop(t);
    }
    task& sent;
  };

  // The seat keeps memory of the heap that all use; what somebody has chosen an allocator for is asked for each time.
  template <class Node>
  struct block {
    static constexpr bool is_kept =
        std::is_same_v<allocator_type, process_heap> && alignof(Node) <= alignof(std::max_align_t);
    static constexpr std::size_t bytes = is_kept ? seat_type::block_bytes(sizeof(Node)) : sizeof(Node);
    static constexpr std::size_t alignment = is_kept ? alignof(std::max_align_t) : alignof(Node);

    FRYS_ALWAYS_INLINE static void* take(seat_type* seat) noexcept {
      if constexpr (is_kept)
        if (void* const kept = seat->template take_block<sizeof(Node)>(); kept != nullptr) [[likely]]
          return kept;
      return allocate(bytes, alignment);
    }
    FRYS_ALWAYS_INLINE static void give(seat_type* seat, void* memory) noexcept {
      if constexpr (is_kept)
        if (seat != nullptr && seat->template keep_block<sizeof(Node)>(memory, &give_back)) [[likely]]
          return;
      deallocate(memory, bytes, alignment);
    }
  };
  FRYS_NOINLINE static void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return allocator_type::allocate(bytes, alignment).value_or(nullptr);
  }
  FRYS_NOINLINE static void deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
    allocator_type::deallocate(memory, bytes, alignment);
  }
  static void give_back(void* memory, std::size_t bytes) noexcept {
    deallocate(memory, bytes, alignof(std::max_align_t));
  }

  template <class Node, class... Args>
  FRYS_ALWAYS_INLINE static Node* make(seat_type* seat,
                                       Args&&... args) noexcept(std::is_nothrow_constructible_v<Node, Args...>) {
    void* const memory = block<Node>::take(seat);
    if (memory == nullptr) [[unlikely]]
      return nullptr;
    if constexpr (std::is_nothrow_constructible_v<Node, Args...>) {
      return ::new (memory) Node(std::forward<Args>(args)...);
    } else {
      struct guard {
        seat_type* seat;
        void* m;
        ~guard() {
          if (m != nullptr) block<Node>::give(seat, m);
        }
      } unused{seat, memory};
      Node* const made = ::new (memory) Node(std::forward<Args>(args)...);
      unused.m = nullptr;
      return made;
    }
  }
  template <class Node>
  FRYS_ALWAYS_INLINE static void unmake(seat_type* seat, Node& node) noexcept {
    std::destroy_at(&node);
    block<Node>::give(seat, &node);
  }

  template <class F>
  void run_here(F& f) noexcept {
#if FRYS_EXCEPTIONS
    try {
      static_cast<void>(f());
    } catch (...) {
      keep_failure();
    }
#else
    static_cast<void>(f());
#endif
  }
#if FRYS_EXCEPTIONS
  FRYS_NOINLINE void keep_failure() noexcept {
    cancel();
    // relaxed: the first one writes; who waits reads behind the count
    if (!failed_.exchange(true, std::memory_order_relaxed)) failure_ = std::current_exception();
  }
#endif

  // ---- who makes tasks

  FRYS_NOINLINE void count_and_pass(seat_type& seat, task& t) noexcept {
    if (waiter_ == nullptr) waiter_ = &seat;  // made on a thread of no scheduler, which is one of a scheduler now
    if (&seat == waiter_)
      ++local_;
    else
      count_elsewhere(seat);
    if (budget_ == 0 || enter(t)) pass_on(seat, t);
  }
  // A task is made where the group is not waited for.
  void count_elsewhere(seat_type& seat) noexcept {
    if (seat.counted.group == this && !is_sent_.load(std::memory_order_relaxed)) {  // relaxed: as below
      if (seat.counted.owed == 0) {
        // relaxed: whoever calls is counted itself
        elsewhere_.fetch_add(credit * one, std::memory_order_relaxed);
        seat.counted.owed = credit;
      }
      --seat.counted.owed;
      seat.has_foreign();
    } else {
      is_sent_.store(true, std::memory_order_relaxed);       // relaxed: for the tasks that come of this one
      elsewhere_.fetch_add(one, std::memory_order_relaxed);  // relaxed: as above
    }
  }
  // False: it waits for its turn.
  bool enter(task& t) noexcept {
    const held_lock hold(lock_);
    if (running_ == budget_) {
      queued_.push(t);
      return false;
    }
    ++running_;
    return true;
  }
  void pass_on(seat_type& seat, task& t) noexcept {
    // relaxed: as in count_elsewhere
    if (&seat != waiter_ && is_sent_.load(std::memory_order_relaxed)) return send(seat, t);
    if (!seat.push_group_task(t)) [[unlikely]]
      t.run(t);  // no memory
  }
  static void send(seat_type& seat, task& t) noexcept {
    if (errand* const e = make<errand>(&seat, t))
      seat.host().post(seat, *e, true);
    else
      t.run(t);
  }

  // ---- who runs them

  // The first of some that run one behind the other, and are told together.
  FRYS_NOINLINE void begin_row(seat_type& seat, task& first) noexcept {
    const auto before = std::exchange(seat.counted, {this, 0});
    seat.begin_tasks();
    first.run(first);
    for (unsigned n = 1; n < most_in_a_row; ++n) {
      group_task* const next = seat.pop_task_of(this);
      if (next == nullptr) break;
      if (seat.is_asked()) [[unlikely]]
        (void)seat.answer();
      next->run(*next);
    }
    seat.end_tasks();
    const std::size_t ended = std::exchange(seat.counted, before).owed * one;
    uncount(ended);
  }
  // Behind this the group may be gone.
  void uncount(std::size_t ended) noexcept {
    seat_type* const waiter = waiter_;
    // sync(task_group.elsewhere): release; what the tasks did is done before wait returns.
    if (elsewhere_.fetch_sub(ended, std::memory_order_release) == (ended | awaited)) waiter->host().wake(*waiter);
  }
  // One of the budget has ended.
  FRYS_NOINLINE void begin_next() noexcept {
    work* next = nullptr;
    {
      const held_lock hold(lock_);
      next = queued_.pop();
      if (next == nullptr) --running_;
    }
    if (next == nullptr) return;
    seat_type& seat = *here::seat();
    if (&seat != waiter_) seat.has_foreign();
    pass_on(seat, static_cast<task&>(*next));
  }
  // A pool that is destroyed drops its tasks. Those that wait for their turn go the same way where no seat is.
  void drop(task& t) noexcept {
    t.end(t);
    std::size_t ended = one;
    if (budget_ != 0) {
      if (here::seat() != nullptr) {
        begin_next();
      } else {
        const held_lock hold(lock_);
        for (; work* const next = queued_.pop(); ended += one) static_cast<task*>(next)->end(static_cast<task&>(*next));
        --running_;
      }
    }
    uncount(ended);
  }

  // ---- who waits

  // mark: 0, or awaited if that is set.
  [[nodiscard]] bool has_ended(std::size_t mark) const noexcept {
    // sync(task_group.elsewhere): acquire.
    return elsewhere_.load(std::memory_order_acquire) + local_ * one == mark;
  }
  // What lies here, the newest first: that is what we wait for, or inside of that, so the stack gets no deeper than the
  // serial program's.
  FRYS_ALWAYS_INLINE bool run_own(seat_type& seat, std::size_t mark) noexcept {
    while (!has_ended(mark)) {
      work* const next = seat.pop_task();
      if (next == nullptr) return false;
      if (seat.is_asked()) [[unlikely]]
        (void)seat.answer();
      next->run(*next);
    }
    return true;
  }
  void await_all() noexcept {
    if (has_ended(0) && local_ == 0) return;
    seat_type& seat = *waiter_;
    seat.begin_tasks();
    if (!run_own(seat, 0)) await_others();
    seat.end_tasks();
    if (local_ != 0) [[unlikely]] {
      elsewhere_.store(0, std::memory_order_relaxed);  // relaxed: nobody runs for the group
      local_ = 0;
    }
  }
  FRYS_NOINLINE void await_others() noexcept {
    elsewhere_.fetch_or(awaited, std::memory_order_relaxed);  // relaxed: a mark for the last one, with the count
    waiter_->host().work_until(
        *waiter_,
        [](void* g) {
          auto& self = *static_cast<basic_task_group*>(g);
          if (self.run_own(*self.waiter_, awaited)) return true;
          // We may sleep behind this: all that is to come is counted there.
          if (const std::size_t mine = std::exchange(self.local_, 0); mine != 0)
            self.elsewhere_.fetch_add(mine * one, std::memory_order_relaxed);  // relaxed: our own
          return self.has_ended(awaited);
        },
        this);
    elsewhere_.store(0, std::memory_order_relaxed);  // relaxed, both: nobody runs for the group
    is_sent_.store(false, std::memory_order_relaxed);
    local_ = 0;
  }

  seat_type* waiter_;
  std::size_t local_ = 0;
  const unsigned budget_;
  unsigned running_ = 0;  // under the lock
  intrusive_queue<work> queued_;
  word_lock<atomics_type> lock_;
  typename atomics_type::template atomic<std::size_t> elsewhere_{0};
  typename atomics_type::template atomic<bool> cancelled_{false};
  typename atomics_type::template atomic<bool> failed_{false};
  typename atomics_type::template atomic<bool> is_sent_{false};  // its tasks go through the pools' queues
  std::exception_ptr failure_ = nullptr;
};

using task_group = basic_task_group<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_HAS_THREAD

#endif  // FRYS_SCHED_TASK_GROUP_HPP
