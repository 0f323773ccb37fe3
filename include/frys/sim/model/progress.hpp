// progress: whether the others can finish when some thread is stopped for ever, at any moment (lock-freedom), and how
// many steps a thread needs at most (wait-freedom).
//
//   // Fails where the others cannot finish without the stopped one:
//   auto r = model::check(model::lock_freedom{}, body);
//   // Fails where a thread needs more than 12 steps:
//   auto r = model::check(model::exhaustive{.most_thread_steps = 12}, body);
//
// lock_freedom stops, in each execution, one thread at one of its events, and never lets it go on; in turn each thread
// of the body's at each event, over random schedules. A structure that passes is lock-free in what was run; one that
// fails is not.
//
// Source   M. Herlihy, "Wait-free synchronization", TOPLAS 1991.
#ifndef FRYS_SIM_MODEL_PROGRESS_HPP
#define FRYS_SIM_MODEL_PROGRESS_HPP

#include <cstdint>
#include <utility>

#include "../../config.hpp"
#include "check.hpp"
#include "execution.hpp"
#include "explore.hpp"

namespace frys::inline FRYS_ABI::sim::model {

struct lock_freedom {
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 2'000;  // of the others, after one was stopped
};

namespace detail {

class stopping_strategy final : public random_strategy {
 public:
  stopping_strategy(std::uint64_t seed, std::uint32_t most_steps) noexcept
      : random_strategy(seed), most_steps_(most_steps) {}
  // Before each execution.
  void begin() noexcept {
    // Later and later, one thread after the other; when a thread does not get that far, from the start again.
    if (started_ && !stopped_) at_ = 0;
    if (!started_ || ++victim_ >= (threads_ > 1 ? threads_ : 2)) {
      victim_ = 1;
      ++at_;
    }
    started_ = true;
    stopped_ = false;
    since_ = 0;
  }
  unsigned next_thread(execution& e, unsigned runnable, unsigned current) override {
    threads_ = e.thread_count();
    if (!stopped_ && victim_ < threads_ && !e.is_finished(victim_) && (runnable >> victim_ & 1) != 0 &&
        e.next_index(victim_) > at_)
      stopped_ = true;
    if (!stopped_) return random_strategy::next_thread(e, runnable, current);
    if (++since_ > most_steps_)
      e.fail(fault::no_progress, "the other threads do not finish while one is stopped", e.waits_at(current));
    const unsigned others = runnable & ~(1u << victim_);
    if (others != 0) return random_strategy::next_thread(e, others, current);
    for (unsigned t = 1; t < threads_; ++t)
      if (t != victim_ && !e.is_finished(t))
        e.fail(fault::no_progress, "a thread waits for one that was stopped", e.waits_at(t));
    return stop;  // all others have finished
  }

 private:
  std::uint32_t most_steps_;
  std::uint32_t since_ = 0;
  unsigned victim_ = 1;
  unsigned at_ = 0;
  unsigned threads_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace detail

template <class Body>
report check(const lock_freedom& how, Body&& body) {
  report r;
  detail::execution e(20'000);
  detail::stopping_strategy s(how.seed, how.most_steps);
  for (std::uint64_t i = 0; i < how.executions; ++i) {
    s.begin();
    const detail::outcome o = detail::run_once(e, s, body);
    if (!detail::count(r, e, o, body, false)) break;
  }
  // An execution in which one thread was stopped for good never ends of itself: it counts.
  r.executions += std::exchange(r.blocked, 0);
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_PROGRESS_HPP
