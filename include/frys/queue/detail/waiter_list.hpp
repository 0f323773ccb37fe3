// waiter_list: the coroutines that wait for a queue, oldest first, under a lock that is held for a few instructions.
#ifndef FRYS_QUEUE_DETAIL_WAITER_LIST_HPP
#define FRYS_QUEUE_DETAIL_WAITER_LIST_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/backoff.hpp"
#include "../../core/intrusive_list.hpp"
#include "../../core/work.hpp"

namespace frys::inline FRYS_ABI::detail {

// One who waits: what is posted to its executor when it is worth looking again.
struct queue_waiter : list_hook<>, work {
  void* home = nullptr;  // the executor
  void (*post)(void* home, work&) noexcept = nullptr;
  bool called = false;   // posted and not run yet; under the lock
  bool stopped = false;  // shall not wait any more; under the lock
};

template <class A>
class waiter_list {
 public:
  waiter_list() = default;
  waiter_list(const waiter_list&) = delete;
  waiter_list& operator=(const waiter_list&) = delete;
  ~waiter_list() {
    FRYS_ASSERT(waiters_.empty(), "awaiting: destroyed while a coroutine waits; close it and let them end first");
    FRYS_ASSERT(called_ == 0, "awaiting: destroyed before a coroutine that was called has run; let them end first");
  }

  // Puts `w` into the list and then asks `look` once more, under the lock: nobody calls `w` before this returns. True:
  // look() answered true, and `w` stands in no list. False: `w` may have been called already, and be gone.
  template <class F>
  bool enlist_unless(queue_waiter& w, bool first, F look) noexcept {
    lock();
    if (w.called) --called_;
    w.called = false;
    if (first)
      waiters_.push_front(w);
    else
      waiters_.push_back(w);
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // relaxed, both: the lock's
    // sync(waiter_list.dekker): seq_cst; either our look at the queue sees the other side's change, or its look at
    // count_ sees us.
    A::fence(std::memory_order_seq_cst);
    const bool done = look();
    if (done) remove(w);
    unlock();
    return done;
  }
  // False: `w` has been called, and will be run.
  bool withdraw(queue_waiter& w) noexcept {
    lock();
    const bool called = w.called;
    if (!called) remove(w);
    unlock();
    return !called;
  }
  // `w` shall not wait any more. True: it waited, and counts as called; the caller posts it. False: it has been called
  // already, or does not wait yet, and learns it under the lock.
  [[nodiscard]] bool stop(queue_waiter& w) noexcept {
    lock();
    w.stopped = true;
    const bool waits = w.is_linked();
    if (waits) take(w);
    unlock();
    return waits;
  }
  // Calls the one who has waited longest for what changed before this call, if there is one.
  void call_one() noexcept {
    if (!some()) return;
    lock();
    queue_waiter* const w = take_first();
    unlock();
    if (w != nullptr) w->post(w->home, *w);
  }
  // Calls all of them.
  void call_all() noexcept {
    if (!some()) return;
    intrusive_queue<work> called;
    lock();
    while (queue_waiter* const w = take_first()) called.push(*w);
    unlock();
    while (work* const next = called.pop()) {
      auto& w = static_cast<queue_waiter&>(*next);
      w.post(w.home, w);
    }
  }

 private:
  bool some() noexcept {
    // sync(waiter_list.dekker): seq_cst; the other half, see enlist_unless.
    A::fence(std::memory_order_seq_cst);
    return count_.load(std::memory_order_relaxed) != 0;  // relaxed: the fence above orders it
  }
  void remove(queue_waiter& w) noexcept {
    w.unlink();
    count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);  // relaxed, both: the lock's
  }
  queue_waiter* take_first() noexcept {
    if (waiters_.empty()) return nullptr;
    queue_waiter& w = waiters_.front();
    take(w);
    return &w;
  }
  void take(queue_waiter& w) noexcept {
    remove(w);
    w.called = true;
    ++called_;
  }
  void lock() noexcept {
    backoff<A> patience;
    // sync(waiter_list.lock): acquire; what the last holder did is done.
    while (locked_.exchange(true, std::memory_order_acquire)) patience.pause();
  }
  // sync(waiter_list.lock): release; what we did comes before the next holder's turn.
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

  intrusive_list<queue_waiter> waiters_;
  std::size_t called_ = 0;  // called, and not run yet
  typename A::template atomic<std::uint32_t> count_{0};
  typename A::template atomic<bool> locked_{false};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_WAITER_LIST_HPP
