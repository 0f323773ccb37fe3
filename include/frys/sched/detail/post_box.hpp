// post_box: work that other threads post for one thread, which sleeps here while there is none.
#ifndef FRYS_SCHED_DETAIL_POST_BOX_HPP
#define FRYS_SCHED_DETAIL_POST_BOX_HPP

#include <atomic>
#include <utility>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "../../core/parker.hpp"
#include "../../core/work.hpp"
#include "../../policy.hpp"

namespace frys::inline FRYS_ABI::detail {

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

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_POST_BOX_HPP
