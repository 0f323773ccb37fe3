// task_group: callables whose number nobody knows beforehand, run by the workers of a scheduler and waited for at once.
//
// Use when  a piece of work finds more pieces as it goes: a tree, a graph, files of a folder; or when pieces of several
//           owners share a pool, and none shall have more than its part of the cores (the budget).
// Not when  there are two pieces or a range (fork_join: nothing is allocated), or nobody waits (scheduler::submit).
// Threads   wait and the destructor: the one that made it. run: that one, and the group's own tasks. cancel,
//           is_cancelled: any thread. On a thread that works for no scheduler run calls the callable at once.
// Progress  run waits for nobody; with a budget, for a lock of a few instructions. wait runs tasks meanwhile, of this
//           group or another, and sleeps where there are none.
// Cost      a callable and its link lie in a block of the allocator's thread cache; two read-modify-writes a task.
// Budget    at most so many tasks of the group run at a time, anywhere; the others wait in the group, oldest first, not
//           in the workers' queues.
// Errors    the first exception of a task is rethrown by wait, and cancels what has not begun. run: full: no memory,
//           the callable is untouched.
// Lifetime  the destructor waits, too, if wait has not been called, and drops an exception.
//
// Policies, in any order, each at most once:
//   policy::allocator<A>  where callables lie; stateless, from any thread  default process_heap
//   policy::threads<T>    the scheduler's                                  default os_threads
//   policy::atomics<A>    the scheduler's                                  default atomics::standard
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
    if (here::seat() == nullptr) {
      run_here(f);
      return push_result::ok;
    }
    using node_type = node<std::decay_t<F>>;
    const auto memory = allocator_type::allocate(sizeof(node_type), alignof(node_type));
    if (!memory) return push_result::full;
    struct guard {
      void* m;
      ~guard() {
        if (m != nullptr) allocator_type::deallocate(m, sizeof(node_type), alignof(node_type));
      }
    } unused{*memory};
    auto* made = ::new (*memory) node_type(*this, std::forward<F>(f));
    unused.m = nullptr;
    // relaxed: whoever calls is counted itself, or is the one that waits
    pending_.fetch_add(one, std::memory_order_relaxed);
    enter(*made);
    return push_result::ok;
  }

  // Until all of its tasks have ended; runs tasks meanwhile. Rethrows the first exception. The group may be used again.
  void wait() {
    await_all();
    cancelled_.store(false, std::memory_order_relaxed);                   // relaxed: nobody runs for the group
    if (failed_.exchange(false, std::memory_order_relaxed)) [[unlikely]]  // relaxed: await_all has acquired it
      std::rethrow_exception(std::exchange(failure_, nullptr));
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
  static constexpr std::uint64_t awaited = 1, one = 2;

  struct task : detail::owned_work {
    task(basic_task_group& g, work::function r, void (*d)(owned_work&) noexcept) noexcept
        : owned_work(r, d), group(g) {}
    basic_task_group& group;
  };
  template <class F>
  struct node final : task {
    template <class G>
    node(basic_task_group& g, G&& from) : task(g, &begin, &end), f(std::forward<G>(from)) {}
    static void begin(work& w) noexcept {
      auto& self = static_cast<node&>(w);
      if (!self.group.is_cancelled()) self.group.run_here(self.f);
      end(self);
    }
    static void end(detail::owned_work& w) noexcept {
      auto& self = static_cast<node&>(w);
      basic_task_group& group = self.group;
      std::destroy_at(&self);
      allocator_type::deallocate(&self, sizeof(node), alignof(node));
      group.leave();
    }
    F f;
  };

  template <class F>
  void run_here(F& f) noexcept {
#if FRYS_EXCEPTIONS
    try {
      static_cast<void>(f());
    } catch (...) {
      cancel();
      // relaxed: the first one writes; who waits reads behind the count
      if (!failed_.exchange(true, std::memory_order_relaxed)) failure_ = std::current_exception();
    }
#else
    static_cast<void>(f());
#endif
  }
  static void post(task& t) noexcept {
    seat_type& seat = *here::seat();
    seat.host().post(seat, t, true);
  }
  void enter(task& t) noexcept {
    if (budget_ != 0) {
      const held_lock hold(lock_);
      if (running_ == budget_) {
        queued_.push(t);
        return;
      }
      ++running_;
    }
    post(t);
  }
  // A task has ended.
  void leave() noexcept {
    if (budget_ != 0) {
      work* next = nullptr;
      {
        const held_lock hold(lock_);
        next = queued_.pop();
        if (next == nullptr) --running_;
      }
      // A pool that is destroyed drops its tasks where no seat is: then the next one goes the same way.
      if (next != nullptr) {
        auto& t = static_cast<task&>(*next);
        if (here::seat() != nullptr)
          post(t);
        else
          t.drop(t);
      }
    }
    seat_type* const waiter = waiter_;
    // sync(task_group.pending): acq_rel; what all tasks did is done before wait returns. Behind this the group may be
    // gone.
    if (pending_.fetch_sub(one, std::memory_order_acq_rel) == (one | awaited)) waiter->host().wake(*waiter);
  }
  void await_all() noexcept {
    // sync(task_group.pending): acquire.
    if (pending_.load(std::memory_order_acquire) == 0) return;
    seat_type& seat = *waiter_;
    pending_.fetch_or(awaited, std::memory_order_relaxed);  // relaxed: a mark for the last one, with the count
    seat.host().work_until(
        seat,
        [](void* g) {
          // sync(task_group.pending): acquire.
          return static_cast<basic_task_group*>(g)->pending_.load(std::memory_order_acquire) == awaited;
        },
        this);
    pending_.store(0, std::memory_order_relaxed);  // relaxed: nobody runs for the group
  }

  seat_type* waiter_;
  const unsigned budget_;
  unsigned running_ = 0;  // under the lock
  intrusive_queue<work> queued_;
  word_lock<atomics_type> lock_;
  typename atomics_type::template atomic<std::uint64_t> pending_{0};  // tasks, twice; and whether somebody waits
  typename atomics_type::template atomic<bool> cancelled_{false};
  typename atomics_type::template atomic<bool> failed_{false};
  std::exception_ptr failure_ = nullptr;
};

using task_group = basic_task_group<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_HAS_THREAD

#endif  // FRYS_SCHED_TASK_GROUP_HPP
