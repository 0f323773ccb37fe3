// fork_seat: what a worker of fork-join needs: the forks that it has announced and not begun, and those that others may
// take.
//
// A fork is two words in an array of its own and a frame on the stack of the function that forked: nothing else is
// written while nobody is hungry. Who is hungry says so in limit_, which each fork compares its place with anyhow; the
// next fork, or step of a loop, then promotes the oldest one, which is the largest: it becomes a job in a deque that
// others steal from. A loop stands among the forks, and gives the farther half of what is left of it.
//
// Tasks that may outlive the function that made them, of coroutines (forked) and of groups (task_group), lie in a stack
// of their own, from whose far end others take half of what is shared. Of groups the oldest few always are.
#ifndef FRYS_SCHED_DETAIL_FORK_SEAT_HPP
#define FRYS_SCHED_DETAIL_FORK_SEAT_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/poison.hpp"
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

// A task that a group waits for.
template <class Atomics>
struct group_task : work {
  group_task(work::function f, const void* g) noexcept : work(f), group(g) {}
  const void* group;
  fork_seat<Atomics>* victim = nullptr;  // from whose stack it has been stolen
};

template <class Atomics>
class fork_seat {
 public:
  using job_type = fork_job<Atomics>;
  using place = fork_place<Atomics>;
  using group_task_type = group_task<Atomics>;

  // Of the group whose task this seat runs for somebody else: what it has not told the group yet. The group counts so
  // many tasks more than there are.
  struct tally {
    const void* group = nullptr;
    std::size_t owed = 0;
  };

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
  ~fork_seat() {
    for (std::size_t c = 0; c <= class_of(largest_block); ++c)
      while (free_block* const b = free_[c]) {
        unpoison(b, class_bytes(c));
        free_[c] = b->next;
        give_back_(b, class_bytes(c));
      }
  }

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

  // Tasks that a coroutine has forked and not awaited. False: no memory, it is the caller's.
  bool push_task(work& w) noexcept {
    if (!tasks_own_.try_push(reinterpret_cast<std::uintptr_t>(&w))) return false;
    ++seem_to_lie_;
    if (is_asked()) [[unlikely]]
      give_tasks();
    return true;
  }
  // True: `w` was the newest, and is the caller's again.
  bool take_task(work& w) noexcept {
    auto got = tasks_own_.try_pop();
    if (!got) return false;
    --seem_to_lie_;
    if (got.value() == reinterpret_cast<std::uintptr_t>(&w)) [[likely]]
      return true;
    put_back(got.value());
    return false;
  }
  FRYS_ALWAYS_INLINE work* pop_task() noexcept {
    auto got = tasks_own_.try_pop();
    if (!got) {
      seem_to_lie_ = 0;
      return nullptr;
    }
    --seem_to_lie_;
    return &task_of(got.value());
  }

  // Tasks of a group. False: as above.
  FRYS_ALWAYS_INLINE bool push_group_task(group_task_type& t) noexcept {
    if (!tasks_own_.try_push(reinterpret_cast<std::uintptr_t>(static_cast<work*>(&t)) | of_group)) return false;
    if (++seem_to_lie_ <= always_shared || is_asked()) [[unlikely]]
      show_tasks();
    return true;
  }
  // The newest task, if it is of this group.
  group_task_type* pop_task_of(const void* group) noexcept {
    auto got = tasks_own_.try_pop();
    if (!got) return nullptr;
    --seem_to_lie_;
    if ((got.value() & of_group) != 0)
      if (auto& t = static_cast<group_task_type&>(task_of(got.value())); t.group == group) return &t;
    put_back(got.value());
    return nullptr;
  }
  // A task has been stolen: half of what lies there comes too, for whoever is next.
  void take_more(fork_seat& from) noexcept {
    has_foreign_ = true;
    const std::size_t more = from.tasks_.thief().steal_batch(tasks_own_, most_at_once);
    if (more == 0) return;
    seem_to_lie_ += static_cast<std::int32_t>(more);
    tasks_own_.share();
    host_->promoted(*this);
  }
  // Around what runs tasks. What is left at its end, and of groups that somebody else waits for, must not lie where
  // only this seat finds it: it may never look there again.
  void has_foreign() noexcept { has_foreign_ = true; }
  void begin_tasks() noexcept { ++inside_; }
  void end_tasks() noexcept {
    if (--inside_ == 0 && has_foreign_) [[unlikely]]
      share_foreign();
  }
  tally counted;

  // Memory of tasks that have ended, for those that begin next.
  template <std::size_t Bytes>
  FRYS_ALWAYS_INLINE void* take_block() noexcept {
    if constexpr (Bytes > largest_block) {
      return nullptr;
    } else {
      free_block*& list = free_[class_of(Bytes)];
      free_block* const b = list;
      if (b == nullptr) return nullptr;
      unpoison(b, class_bytes(class_of(Bytes)));
      list = b->next;
      return b;
    }
  }
  // A block of class_bytes. False: enough are kept.
  template <std::size_t Bytes>
  FRYS_ALWAYS_INLINE bool keep_block(void* memory, void (*give_back)(void*, std::size_t) noexcept) noexcept {
    if constexpr (Bytes > largest_block) {
      return false;
    } else {
      free_block*& list = free_[class_of(Bytes)];
      std::size_t count = 0;
      if (list != nullptr) {
        unpoison(list, sizeof(free_block));
        count = list->count + 1;
        poison(list, sizeof(free_block));
        if (count == most_blocks) [[unlikely]]
          return false;
      }
      list = ::new (memory) free_block{list, count};
      poison(memory, class_bytes(class_of(Bytes)));
      give_back_ = give_back;
      return true;
    }
  }
  static constexpr std::size_t block_bytes(std::size_t bytes) noexcept {
    return bytes > largest_block ? bytes : class_bytes(class_of(bytes));
  }

  [[nodiscard]] const host_functions& host() const noexcept { return *host_; }

  // ---- anybody

  // Asks for a fork; the next one that the owner makes answers.
  void ask() noexcept {
    // relaxed: a question. Read first, so that many who ask share the line.
    if (limit_.load(std::memory_order_relaxed) == 0) return;
    limit_.store(0, std::memory_order_relaxed);
    // sync(fork_seat.asked): seq_cst; the question stands before who falls asleep looks for tasks.
    Atomics::fence(std::memory_order_seq_cst);
  }
  // A promoted fork, the oldest; nullptr.
  [[nodiscard]] job_type* steal() noexcept {
    auto got = shared_.thief().try_steal();
    return got ? got.value() : nullptr;
  }
  [[nodiscard]] work* steal_forked_task() noexcept {
    auto got = tasks_.thief().try_steal();
    if (!got) return nullptr;
    if ((got.value() & of_group) != 0) static_cast<group_task_type&>(task_of(got.value())).victim = this;
    ask();  // for who sleeps: one answer wakes one
    return &task_of(got.value());
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

  struct free_block {
    free_block* next;
    std::size_t count;  // behind it
  };
  static constexpr std::size_t block_step = 32, largest_block = 256, most_blocks = 256;
  static constexpr std::size_t class_of(std::size_t bytes) noexcept { return (bytes - 1) / block_step; }
  static constexpr std::size_t class_bytes(std::size_t c) noexcept { return (c + 1) * block_step; }

  static constexpr std::uintptr_t of_group = 1;
  static work& task_of(std::uintptr_t bits) noexcept { return *reinterpret_cast<work*>(bits & ~of_group); }
  FRYS_NOINLINE void share_foreign() noexcept {
    if (tasks_own_.size() == 0)
      has_foreign_ = false;
    else
      tasks_own_.share();
  }
  // Whoever does not see these asks behind that, and is seen.
  FRYS_NOINLINE void show_tasks() noexcept {
    tasks_own_.share();
    // sync(fork_seat.asked): seq_cst; the tasks stand before we look who asks.
    Atomics::fence(std::memory_order_seq_cst);
    if (is_asked()) give_tasks();
  }
  FRYS_NOINLINE void give_tasks() noexcept {
    calm();
    tasks_own_.share();
    host_->promoted(*this);
  }
  void put_back(std::uintptr_t bits) noexcept {
    // There was room for it a moment ago, and only thieves make any: this cannot fail.
    [[maybe_unused]] const bool back = static_cast<bool>(tasks_own_.try_push(bits));
    FRYS_ASSERT(back, "fork_seat: no room for what was just taken");
    ++seem_to_lie_;
  }

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
    if (tasks_own_.size() != 0) tasks_own_.share();  // we may sleep
    host_->await(*this, job);
    return false;
  }

  using deque = stealing_deque<job_type*, policy::capacity<64>, policy::atomics<Atomics>>;
  using task_deque = stealing_deque<std::uintptr_t, policy::atomics<Atomics>>;  // addresses, and whether of a group
  static constexpr std::int32_t always_shared = 4;
  static constexpr std::size_t most_at_once = 256;

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
  bool has_foreign_ = false;
  unsigned inside_ = 0;  // waits of groups, and rows of their tasks
  free_block* free_[class_of(largest_block) + 1] = {};
  void (*give_back_)(void*, std::size_t) noexcept = nullptr;
  std::int32_t seem_to_lie_ = 0;  // tasks, as if none of ours were ever stolen
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
