// chooser: who of a sim::run's threads runs next, and for how many steps, as its strategy and its seed say, or a
// schedule that is to be done again. Keeps the schedule that comes of it.
#ifndef FRYS_SIM_RUN_CHOOSER_HPP
#define FRYS_SIM_RUN_CHOOSER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../config.hpp"
#include "../random.hpp"
#include "report.hpp"
#include "schedule.hpp"
#include "virtual_thread.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

class chooser {
 public:
  void reset(const run_options& options, std::uint64_t seed, const run_schedule* again) {
    die_ = random(seed);
    again_ = again;
    replays_ = again != nullptr && !again->segments.empty();
    replayed_ = chosen_ = 0;
    keeps_ = options.keeps_schedule;
    kept_.seed = seed;
    kept_.segments.clear();
    kept_.choices.clear();
    strategy_ = options.choose_by;
    switch_one_in_ = (std::max)(options.switch_one_in, 1u);
    depth_ = (std::max)(options.depth, 1u);
    pct_steps_ = (std::max)(options.pct_steps, 1u);
    if (strategy_ == strategy::mixed) {
      const std::uint32_t k = dice(10);
      strategy_ = k < 5 ? strategy::random_walk : k < 9 ? strategy::pct : strategy::round_robin;
      // Small ones more often: short programs need them, and long ones get enough of the others.
      switch_one_in_ = 1u << dice(1 + dice(9));
      depth_ = 2 + dice(3);
      pct_steps_ = 8u << dice(1 + dice(13));
    }
    changes_.clear();
    change_ = 0;
    lowest_ = 1u << 30;
    if (strategy_ == strategy::pct) {
      for (std::uint32_t i = 1; i < depth_; ++i) changes_.push_back(1 + dice(pct_steps_));
      std::sort(changes_.begin(), changes_.end());
    }
  }

  [[nodiscard]] bool replays() const noexcept { return replays_; }
  [[nodiscard]] std::string how() const {
    if (again_ != nullptr) return replays_ ? "replay" : "replay; the schedule did not fit to the end";
    std::string out = name_of(strategy_);
    if (strategy_ == strategy::pct)
      return out + " of depth " + std::to_string(depth_) + " in " + std::to_string(pct_steps_);
    return out + ", a switch in " + std::to_string(switch_one_in_);
  }

  // One of 0 .. count - 1, which the schedule remembers.
  std::uint32_t choice(std::uint32_t count) noexcept {
    std::uint32_t c = 0;
    if (again_ != nullptr && chosen_ < again_->choices.size())
      c = (std::min)(again_->choices[chosen_++], count - 1);
    else
      c = dice(count);
    if (keeps_) kept_.choices.push_back(c);
    return c;
  }

  // ---- when

  // The step at which the thread that runs is asked again.
  [[nodiscard]] std::uint64_t switch_at() const noexcept { return switch_at_; }
  // `active` runs from here on.
  void plan(virtual_thread& active, std::uint64_t steps, const runnable_set& runnable) noexcept {
    active.since = steps;
    solo_ = false;
    if (replays_) {
      const std::uint64_t n = again_->segments[replayed_].steps;
      switch_at_ = n == 0 ? never : steps + n;
    } else if (strategy_ == strategy::pct) {
      switch_at_ = (std::min)(change_ < changes_.size() ? changes_[change_] : never, steps + fair_after);
      if (switch_at_ <= steps) switch_at_ = steps + 1;
    } else {
      solo_ = runnable.size() == 1;
      const std::uint32_t n = switch_one_in_;
      switch_at_ = solo_ ? never : steps + (strategy_ == strategy::round_robin || n == 1 ? n : 1 + dice(2 * n - 1));
    }
  }
  // A thread was made: its rank among all.
  void rank(virtual_thread& t) noexcept {
    if (strategy_ == strategy::pct) t.priority = (1u << 31) | static_cast<std::uint32_t>(die_() >> 33);
  }
  // It can run now, and so can `active`.
  void arrives(const virtual_thread& t, const virtual_thread& active, std::uint64_t steps) noexcept {
    if (replays_) return;
    if (strategy_ == strategy::pct) {
      if (t.priority > active.priority) switch_at_ = steps + 1;
    } else if (solo_) {
      solo_ = false;
      switch_at_ = steps + 1 + dice(2 * switch_one_in_ - 1);
    }
  }
  // A schedule that lets a thread go on until it cannot, and one that spins for another: they do not fit.
  void look_whether_it_fits(std::uint64_t steps, std::uint64_t last_write, const runnable_set& runnable) noexcept {
    if (!replays_ || switch_at_ != never || runnable.size() < 2 || steps - last_write < unfit_after) return;
    replays_ = false;
    switch_at_ = steps;
  }

  // ---- who

  // One of those that can run; where it `pauses`, another one than `active`, if there is one.
  virtual_thread* pick(virtual_thread& active, bool pauses, std::uint64_t steps, std::uint64_t last_write,
                       const runnable_set& runnable) noexcept {
    if (replays_) {
      if (virtual_thread* t = replayed(runnable)) return t;
    }
    const bool can_stay = active.is == virtual_thread::state::can_run;
    const std::uint32_t n = runnable.size();
    if (n == 1) return runnable[0];
    switch (strategy_) {
      case strategy::pct: {
        const bool is_due = change_ < changes_.size() && steps >= changes_[change_];
        if (can_stay && (pauses || is_due || steps - active.since >= fair_limit ||
                         (steps - active.since >= fair_after && steps - last_write >= fair_after)))
          active.priority = --lowest_;
        if (is_due) ++change_;
        virtual_thread* best = runnable[0];
        for (virtual_thread* t : runnable)
          if (t->priority > best->priority || (t->priority == best->priority && t->number < best->number)) best = t;
        return best;
      }
      case strategy::round_robin: {
        virtual_thread* first = nullptr;  // of all
        virtual_thread* next = nullptr;   // behind the one that runs
        for (virtual_thread* t : runnable) {
          if (first == nullptr || t->number < first->number) first = t;
          if (t->number > active.number && (next == nullptr || t->number < next->number)) next = t;
        }
        return next != nullptr ? next : first;
      }
      default: {
        if (!can_stay || (switch_one_in_ == 1 && !pauses)) return runnable[dice(n)];
        const std::uint32_t k = dice(n - 1);
        return runnable[k >= active.place ? k + 1 : k];
      }
    }
  }

  // ---- what came of it

  // `active` has run until here; `blocked`: it cannot go on.
  void keep(const virtual_thread& active, bool blocked, std::uint64_t steps) {
    if (keeps_) [[unlikely]]
      keep_segment({active.number, blocked ? 0 : steps - active.since});
  }
  [[nodiscard]] std::string kept() const { return keeps_ ? kept_.text() : std::string(); }

 private:
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  static constexpr std::uint64_t fair_after = 2048;  // pct: a thread that has changed nothing for so long steps back
  static constexpr std::uint64_t fair_limit = 20'000;
  static constexpr std::uint64_t unfit_after = 1u << 18;

  std::uint32_t dice(std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>(((die_() >> 32) * std::uint64_t{count}) >> 32);
  }
  FRYS_NOINLINE void keep_segment(run_schedule::segment s) { kept_.segments.push_back(s); }
  // Who comes next in the schedule; nullptr, and no schedule any more, where it does not fit.
  virtual_thread* replayed(const runnable_set& runnable) noexcept {
    if (replayed_ + 1 < again_->segments.size()) {
      const std::uint32_t wanted = again_->segments[++replayed_].thread;
      for (virtual_thread* t : runnable)
        if (t->number == wanted) return t;
    }
    replays_ = false;
    return nullptr;
  }

  strategy strategy_ = strategy::random_walk;
  bool replays_ = false;
  bool solo_ = false;  // nobody else could run when it was planned
  bool keeps_ = false;
  std::uint64_t switch_at_ = 0;
  random die_;
  std::uint32_t switch_one_in_ = 1, depth_ = 1, pct_steps_ = 1;
  std::uint32_t lowest_ = 0;            // pct: the priority of who stepped back last
  std::vector<std::uint64_t> changes_;  // pct: the steps at which that happens
  std::size_t change_ = 0;
  const run_schedule* again_ = nullptr;
  std::size_t replayed_ = 0, chosen_ = 0;
  run_schedule kept_;
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_CHOOSER_HPP
