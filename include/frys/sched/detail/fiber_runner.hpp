// fiber_runner: a scheduler, as fibers, handles and events know it, whatever its policies are; fiber_task: a fiber, as
// they know that.
#ifndef FRYS_SCHED_DETAIL_FIBER_RUNNER_HPP
#define FRYS_SCHED_DETAIL_FIBER_RUNNER_HPP

#include "../../config.hpp"
#include "../../core/context.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "../../core/thread.hpp"
#include "../../core/work.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI::detail {

class fiber_runner;

// A fiber, as far as its context does not matter. As a work it makes itself ready.
struct fiber_task : work {
  fiber_task(fiber_runner& r, function makes_ready) noexcept : work(makes_ready), runner(&r) {}

  fiber_runner* runner;
  fiber_task* behind = nullptr;  // in the ring of those that are ready
  fiber_task* joiner = nullptr;
  bool ended = false;
  bool has_handle = false;
};

// What code inside a fiber needs of whatever scheduler runs it.
class fiber_runner {
 public:
  virtual void yield() noexcept = 0;
  virtual result<void> sleep_until(deadline at) noexcept = 0;
  virtual nanoseconds now() noexcept = 0;
  virtual void post(work& w) noexcept = 0;  // any thread
  // The running fiber waits until somebody makes it ready.
  virtual void suspend() noexcept = 0;
  virtual void ready(fiber_task& task) noexcept = 0;
  virtual void join(fiber_task& task) noexcept = 0;
  virtual void recycle(fiber_task& task) noexcept = 0;
  virtual bool is_here() const noexcept = 0;  // any thread
  // Null: outside of fibers.
  [[nodiscard]] fiber_task* current() const noexcept { return current_ != outside_ ? current_ : nullptr; }

 protected:
  explicit fiber_runner(fiber_task& outside) noexcept : current_(&outside), outside_(&outside) {}
  ~fiber_runner() = default;
  fiber_task* current_;
  fiber_task* outside_;
};

struct fiber_tag;

// Not inline: a compiler may keep the address of a thread_local over a switch, after which the fiber may be in another
// thread.
FRYS_NOINLINE inline fiber_runner* fiber_runner_here() noexcept {
  return static_cast<fiber_runner*>(os_threads::local<fiber_tag>());
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#endif  // FRYS_SCHED_DETAIL_FIBER_RUNNER_HPP
