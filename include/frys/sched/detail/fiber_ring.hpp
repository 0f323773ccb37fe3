// fiber_ring: the fibers that are ready, in the order of their turns: the one that runs, behind it the next, and so on.
#ifndef FRYS_SCHED_DETAIL_FIBER_RING_HPP
#define FRYS_SCHED_DETAIL_FIBER_RING_HPP

#include "../../config.hpp"
#include "fiber_runner.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI::detail {

class fiber_ring {
 public:
  [[nodiscard]] bool empty() const noexcept { return last_ == nullptr; }
  // Whose turn it is. There is one.
  [[nodiscard]] fiber_task& first() const noexcept { return *last_->behind; }
  void push(fiber_task& t) noexcept {
    if (last_ == nullptr) {
      t.behind = &t;
    } else {
      t.behind = last_->behind;
      last_->behind = &t;
    }
    last_ = &t;
  }
  // The turn of the first one is over: it is the last from now on; answers the next.
  fiber_task& pass(fiber_task& first) noexcept {
    last_ = &first;
    return *first.behind;
  }
  // The first one is no longer ready. Behind it stands the next; itself, if there is none.
  void pop(const fiber_task& first) noexcept {
    if (first.behind == &first)
      last_ = nullptr;
    else
      last_->behind = first.behind;
  }

 private:
  fiber_task* last_ = nullptr;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#endif  // FRYS_SCHED_DETAIL_FIBER_RING_HPP
