// blocking: any queue, with a push and a pop that wait.
//
// Use when  a thread has nothing to do but wait for the queue, or for room in it.
// Not when  it polls, or waits for several things (eventcount shows the loop), or must never sleep (the queue itself).
// Roles     those of the queue: push and try_push for its producers, pop and try_pop for its consumers, close for who
//           may close it. A consumer of an spsc_ring that gives up calls abandon.
// Progress  push and pop block by their names, by policy::wait; try_push, try_pop and close do not wait.
// Cost      the queue's own, and for each push and each successful pop one fence and one load to look for sleepers; a
//           system call only where there is one. On one side alone of which nobody ever sleeps the fence remains. Who
//           has waited wakes the next one of its side, in case there is more. A push or pop that must wait first spends
//           the spin and yield budgets of policy::wait, by default 64 looks and 8 yields, and then counts as a sleeper:
//           a partner that comes before wakes nobody, and pays nothing for it.
// Ordering  the queue's.
// Close     close() wakes all: producers get closed; consumers what is left, then closed. Nobody sleeps on.
// Lifetime  destroy it when no thread is in it: close, join, destroy. Hardened builds end the program where a thread
//           still waits in it.
//
// Policies, in any order, each at most once:
//   policy::wait<W>     how to wait                 default wait::spin_then_park
//                       (8 threads on 2 cores kept 0.7 of the rate of 2, 0.9 by wait::yield: bench/queue/mpmc_8t)
//   policy::clock<C>    the clock of the deadlines  default clocks::steady
//   policy::atomics<A>  the atomics model           default the queue's
#ifndef FRYS_QUEUE_BLOCKING_HPP
#define FRYS_QUEUE_BLOCKING_HPP

#include <atomic>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/clock.hpp"
#include "../core/deadline.hpp"
#include "../core/eventcount.hpp"
#include "../core/wait.hpp"
#include "../policy.hpp"
#include "concepts.hpp"
#include "detail/atomics_of.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class Queue, class... Policies>
class blocking {
  using accepted = policy::keys<policy::wait_key, policy::clock_key, policy::atomics_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::blocking: unknown policy; it takes policy::wait, policy::clock, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::blocking: a policy is given twice; name each at most once");
  static_assert(closable_queue<Queue>,
                "frys::blocking<Queue>: Queue must have try_push, try_pop and close, see queue/concepts.hpp");

 public:
  using queue_type = Queue;
  using value_type = typename Queue::value_type;
  using atomics_type =
      typename policy::pick<policy::atomics<typename detail::atomics_of<Queue>::type>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::blocking: policy::atomics wants an atomics model, see core/atomics.hpp");
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::blocking: policy::wait wants a wait policy, see core/wait.hpp");
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;

  // The arguments are the queue's.
  template <class... Args>
  requires std::is_constructible_v<Queue, Args...>
  explicit blocking(Args&&... args) : queue_(std::forward<Args>(args)...) {}
  blocking(const blocking&) = delete;
  blocking& operator=(const blocking&) = delete;

  // As the queue's, and wakes who waits.
  push_result try_push(value_type&& value) noexcept { return told(queue_.try_push(std::move(value))); }
  pop_result<value_type> try_pop() noexcept {
    auto popped = queue_.try_pop();
    if (popped) taken();
    return popped;
  }

  // Waits for room: ok, or closed with the value untouched.
  push_result push(value_type&& value) noexcept { return push_until(std::move(value), deadline::never()); }
  // Full when there was no room until the deadline.
  push_result push_until(value_type&& value, deadline until) noexcept {
    const push_result pushed = queue_.try_push(std::move(value));  // untouched unless it was taken
    if (pushed.is_full()) return push_waiting(value, until);
    return told(pushed);
  }

  // Waits for a value; closed when there will be none any more.
  pop_result<value_type> pop() noexcept { return pop_until(deadline::never()); }
  // Empty when there was none until the deadline.
  pop_result<value_type> pop_until(deadline until) noexcept {
    if (auto popped = try_pop(); !popped.is_empty()) return popped;
    return pop_waiting(until);
  }

  // By whom the queue may be closed.
  void close() noexcept {
    queue_.close();
    // relaxed: the fence of notify_all stands behind it, and makes the other end of sync(blocking.refused). Who waits
    // in spite of that fence has looked behind a later one, and the pop that takes what it did not see looks here
    // behind one later still: it sees this, and wakes the others.
    closed_.store(true, std::memory_order_relaxed);
    values_.notify_all();
    room_.notify_all();
  }

  // The consumer of a queue of one, which wants no more: a producer that waits gets closed.
  void abandon() noexcept requires requires(Queue& q) { q.abandon(); }
  {
    queue_.abandon();
    room_.notify_all();
  }

  // For what is not here: spans, size_hint, stats. What goes in or out that way wakes nobody.
  [[nodiscard]] Queue& queue() noexcept { return queue_; }

 private:
  using count = eventcount<policy::atomics<atomics_type>, policy::wait<wait_type>, policy::clock<clock_type>>;

  FRYS_NOINLINE push_result push_waiting(value_type& value, deadline until) noexcept {
    push_result last = push_result::full;
    const bool was_counted = await(
        room_,
        [&] {
          last = queue_.try_push(std::move(value));
          return !last.is_full();
        },
        until);
    if (last && was_counted) room_.notify_one();  // see pop_waiting
    return told(last);
  }
  FRYS_NOINLINE pop_result<value_type> pop_waiting(deadline until) noexcept {
    pop_result<value_type> last = pop_status::empty;
    const bool was_counted = await(
        values_,
        [&] {
          last = queue_.try_pop();
          return !last.is_empty();
        },
        until);
    if (last) {
      // Behind a push that was stopped half way others may have come to their end; they have woken somebody who found
      // nothing. So who has waited and found something wakes the next: the last one of them finds nothing again.
      if (was_counted) values_.notify_one();
      taken();
    }
    return last;
  }
  // Waits until `look` answers true or the deadline has passed, but first looks without being counted: who is counted
  // costs each notify a read-modify-write and perhaps a system call, also while it only looks. True if it was counted,
  // and so may have taken a wake-up.
  template <class Look>
  static bool await(count& line, Look look, deadline until) noexcept {
    if (wait::detail::spend_budgets<wait_type, atomics_type, clock_type>(look, until)) return false;
    if (until.has_passed<clock_type>()) {
      (void)look();  // for what came in time, but behind the last look
      return false;
    }
    unsigned looks = 0;
    (void)line.await_until([&] { return ++looks, look(); }, until);
    return looks > 1;
  }

  push_result told(push_result pushed) noexcept {
    if (pushed)
      values_.notify_one();
    else
      refused();
    return pushed;
  }
  void taken() noexcept {
    room_.notify_one();
    // relaxed: behind the fence of notify_one, see close. A consumer that looked while a push was under way sleeps on
    // behind the close; when the last value has gone, nobody else would tell it.
    if (closed_.load(std::memory_order_relaxed)) values_.notify_all();
  }

  // A queue may answer empty, not closed, while a push is under way that will be refused. Behind a close nobody else
  // would tell who saw that.
  void refused() noexcept {
    // sync(blocking.refused): seq_cst; with the fences of close and of a wait: either the consumer's last look finds
    // the push at its end, or we find the queue closed.
    atomics_type::fence(std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_relaxed)) values_.notify_all();  // relaxed: behind the fence
  }

  Queue queue_;
  count values_;
  count room_;
  typename atomics_type::template atomic<bool> closed_{false};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_BLOCKING_HPP
