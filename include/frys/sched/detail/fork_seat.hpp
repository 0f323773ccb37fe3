// fork_seat: what a worker of fork-join needs: the forks that it has announced and not begun, and those that others may
// take.
//
// A fork is two words in an array of its own and a frame on the stack of the function that forked: nothing else is
// written while nobody is hungry. Who is hungry says so in limit_, which each fork compares its place with anyhow; the
// next fork, or step of a loop, then promotes the oldest one, which is the largest: it becomes a job in a deque that
// others steal from. A loop stands among the forks, and gives the farther half of what is left of it.
#ifndef FRYS_SCHED_DETAIL_FORK_SEAT_HPP
#define FRYS_SCHED_DETAIL_FORK_SEAT_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/work.hpp"
#include "../../policy.hpp"
#include "../../queue/stealing_deque.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics>
class fork_seat;

// A fork that another worker may run. It lies in the frame of the join that waits for it.
template <class Atomics>
struct fork_job : work {
  // Runs the fork of this frame and keeps what it answers there.
  using body = void (*)(void* frame, fork_job& job) noexcept;

  fork_job(body b, void* f, fork_seat<Atomics>& forked_by) noexcept
      : work(&start), call(b), frame(f), owner(&forked_by) {}
  static void start(work& w) noexcept;

  static constexpr std::uint32_t pending = 0, awaited = 1, done = 2;
  body call;
  void* frame;
  fork_seat<Atomics>* owner;
  std::exception_ptr failure = nullptr;
  // Who runs it: whoever waits for it finds the job's own forks there.
  typename Atomics::template atomic<fork_seat<Atomics>*> runner{nullptr};
  typename Atomics::template atomic<std::uint32_t> state{pending};
};

// The piece of memory in a join's frame where a job is made when its fork is promoted.
template <class Atomics>
struct fork_place {
  alignas(fork_job<Atomics>) std::byte memory[sizeof(fork_job<Atomics>)];
  [[nodiscard]] fork_job<Atomics>& job() noexcept {
    return *std::launder(reinterpret_cast<fork_job<Atomics>*>(memory));
  }
};

template <class Atomics>
class fork_seat {
 public:
  using job_type = fork_job<Atomics>;
  using place = fork_place<Atomics>;

  // What the scheduler does for its seats.
  struct host_functions {
    void (*promoted)(fork_seat&) noexcept;          // there is a job to take
    void (*await)(fork_seat&, job_type&) noexcept;  // works until the job is done
    void (*wake)(fork_seat&) noexcept;              // any thread: the seat's job is done, and it waits
    void (*post)(fork_seat&, work&, bool owned) noexcept;
    void (*work_until)(fork_seat&, bool (*ready)(void*), void*) noexcept;  // who makes it ready wakes
  };

  // A loop that runs: who asks gets the farther half of what is left of it.
  struct loop {
    // Cuts off a piece, answers where its job shall lie, and how it runs; nullptr: it is too short, and stays so. With
    // `undo`: joins on again what the last call has cut off.
    typename job_type::body (*split)(loop& self, place*& where, bool undo) noexcept;
  };
  // A fork that nobody has begun, or a loop.
  struct entry {
    typename job_type::body call;  // nullptr: a loop
    void* frame;                   // a place, or a loop
  };
  // Deeper than that, forks run at once, in their order.
  static constexpr std::size_t most = 1024;

  fork_seat(const host_functions& host, bool promote_each) noexcept
      : host_(&host), shared_own_(shared_.owner()), tasks_own_(tasks_.owner()), promote_each_(promote_each) {
    calm();
  }
  fork_seat(const fork_seat&) = delete;
  fork_seat& operator=(const fork_seat&) = delete;

  // ---- the owner

  // Announces a fork. False: there is no room; it runs at once.
  FRYS_ALWAYS_INLINE bool fork(entry*& at, typename job_type::body call, place& frame) noexcept {
    return announce(at, call, &frame);
  }
  // Announces a loop, of which pieces may be taken while the owner runs what is inside it.
  bool enter(entry*& at, loop& l) noexcept { return announce(at, nullptr, &l); }
  // It has come to its end, or throws. The pieces that were taken are joined next, the newest first.
  void leave(entry* at) noexcept {
    top_ = at;
    if (at < floor_) floor_ = at;
  }
  // A piece of a loop that has left, as take_back.
  bool take_piece(place& frame) noexcept { return take_job(frame.job()); }
  // The fork at `at` is the newest one, and its turn has come. True: nobody has it, the caller runs it (or drops it).
  // False: another worker has run it; the job is done, and take_result ends its life.
  FRYS_ALWAYS_INLINE bool take_back(entry* at) noexcept {
    top_ = at;
    if (at < floor_) [[unlikely]]
      return take_promoted(at);
    return true;
  }
  // Rethrows what the job threw.
  static void end_job(place& frame) {
    std::exception_ptr failure = std::move(frame.job().failure);
    std::destroy_at(&frame.job());
    if (failure != nullptr) [[unlikely]]
      std::rethrow_exception(std::move(failure));
  }
  static void drop_job(place& frame) noexcept { std::destroy_at(&frame.job()); }

  // Somebody is hungry.
  FRYS_ALWAYS_INLINE bool is_asked() const noexcept {
    return limit_.load(std::memory_order_relaxed) == 0;  // relaxed: as in fork
  }
  // Gives the oldest fork to who is hungry, or else the oldest tasks. False: there is none.
  FRYS_NOINLINE bool answer() noexcept {
    // Nothing to give: it stays asked, for who sleeps meanwhile does not ask again.
    if (floor_ == top_ && tasks_own_.size() == 0) return false;
    calm();
    if (promote()) return true;
    if (tasks_own_.size() == 0) return false;
    tasks_own_.share();
    host_->promoted(*this);
    return true;
  }

  // Tasks that a coroutine has forked and not awaited: a stack of their own, as they may outlive what was forked later.
  bool push_task(work& w) noexcept {
    if (!tasks_own_.try_push(&w)) return false;
    if (is_asked()) [[unlikely]] {
      calm();
      tasks_own_.share();
      host_->promoted(*this);
    }
    return true;
  }
  // True: `w` was the newest, and is the caller's again.
  bool take_task(work& w) noexcept {
    auto got = tasks_own_.try_pop();
    if (!got) return false;
    if (got.value() == &w) [[likely]]
      return true;
    // There was room for it a moment ago, and only thieves make any: this cannot fail.
    [[maybe_unused]] const bool back = static_cast<bool>(tasks_own_.try_push(got.value()));
    FRYS_ASSERT(back, "forked: no room for what was just taken");
    return false;
  }
  work* pop_task() noexcept {
    auto got = tasks_own_.try_pop();
    return got ? got.value() : nullptr;
  }

  [[nodiscard]] const host_functions& host() const noexcept { return *host_; }

  // ---- anybody

  // Asks for a fork; the next one that the owner makes answers.
  void ask() noexcept {
    // relaxed: a question. Read first, so that many who ask share the line.
    if (limit_.load(std::memory_order_relaxed) != 0) limit_.store(0, std::memory_order_relaxed);
  }
  // A promoted fork, the oldest; nullptr.
  [[nodiscard]] job_type* steal() noexcept {
    auto got = shared_.thief().try_steal();
    return got ? got.value() : nullptr;
  }
  [[nodiscard]] work* steal_forked_task() noexcept {
    auto got = tasks_.thief().try_steal();
    return got ? got.value() : nullptr;
  }
  [[nodiscard]] bool has_forked_tasks() const noexcept {
    return const_cast<fork_seat*>(this)->tasks_.thief().size_hint() != 0;
  }
  [[nodiscard]] bool has_promoted() const noexcept {
    return const_cast<fork_seat*>(this)->shared_.thief().size_hint() != 0;
  }

 private:
  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  static std::uintptr_t address(const entry* at) noexcept { return reinterpret_cast<std::uintptr_t>(at); }

  // relaxed: who asks before that is answered by the promotion behind it, who asks later is asked for again.
  void calm() noexcept { limit_.store(promote_each_ ? 0 : address(entries_ + most), std::memory_order_relaxed); }

  FRYS_ALWAYS_INLINE bool announce(entry*& at, typename job_type::body call, void* frame) noexcept {
    at = top_;
    at->call = call;
    at->frame = frame;
    top_ = at + 1;
    // relaxed: a question, not an order; who answers it does so by the deque.
    if (address(at) >= limit_.load(std::memory_order_relaxed)) [[unlikely]]
      return slow_fork(at);
    return true;
  }
  FRYS_NOINLINE bool slow_fork(entry* at) noexcept {
    const bool full = at == entries_ + most;
    if (full) top_ = at;  // taken back: its frame must not become a job
    if (is_asked()) (void)answer();
    return !full;
  }

  // The oldest that can be had. What has nothing to give now never has again while something inside it is given away:
  // so jobs are joined in the opposite order.
  bool promote() noexcept {
    for (; floor_ != top_; ++floor_) {
      typename job_type::body call = floor_->call;
      place* where = nullptr;
      if (call != nullptr) {
        where = static_cast<place*>(floor_->frame);
        if (!offer(call, *where)) return false;
        ++floor_;
        return true;
      }
      auto& l = *static_cast<loop*>(floor_->frame);
      call = l.split(l, where, false);
      if (call == nullptr) continue;
      if (offer(call, *where)) return true;
      (void)l.split(l, where, true);
      return false;
    }
    return false;
  }
  // False: enough of them wait already.
  bool offer(typename job_type::body call, place& where) noexcept {
    job_type* job = ::new (static_cast<void*>(where.memory)) job_type(call, &where, *this);
    if (!shared_own_.try_push(job)) {
      std::destroy_at(job);
      return false;
    }
    shared_own_.share();
    host_->promoted(*this);
    return true;
  }

  FRYS_NOINLINE bool take_promoted(entry* at) noexcept {
    floor_ = at;
    return take_job(static_cast<place*>(at->frame)->job());
  }
  bool take_job(job_type& job) noexcept {
    // What is still in the deque at its newest end is this job, or all have been stolen.
    if (auto got = shared_own_.try_pop()) {
      FRYS_ASSERT(got.value() == &job, "fork_join: forks are joined in the order they were made");
      std::destroy_at(got.value());
      return true;
    }
    host_->await(*this, job);
    return false;
  }

  using deque = stealing_deque<job_type*, policy::capacity<64>, policy::atomics<Atomics>>;
  using task_deque = stealing_deque<work*, policy::atomics<Atomics>>;

  const host_functions* host_;
  entry* top_ = entries_;    // the owner's: behind the newest fork
  entry* floor_ = entries_;  // the owner's: behind the newest promoted one
  // Where a fork stops to think: the array's end, or 0 when somebody is hungry.
  atomic<std::uintptr_t> limit_{0};
  deque shared_;
  typename deque::owner_type shared_own_;
  task_deque tasks_;
  typename task_deque::owner_type tasks_own_;
  const bool promote_each_;
  entry entries_[most + 1];
};

template <class Atomics>
void fork_job<Atomics>::start(work& w) noexcept {
  auto& job = static_cast<fork_job&>(w);
  fork_seat<Atomics>& owner = *job.owner;
  job.call(job.frame, job);
  // sync(fork_job.done): release; the result is whole before the owner takes it. Behind this the job's memory is the
  // owner's again.
  if (job.state.exchange(done, std::memory_order_release) == awaited) owner.host().wake(owner);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_FORK_SEAT_HPP
