// feedback: the priority of work that comes again and again, by what it has used: short runs become urgent, long ones
// wait.
//
// Use when  nobody can say beforehand which work is short: requests of a session, turns of an agent.
// Not when  the caller knows (submit_options::level), or each piece comes once.
// Roles     level: any thread. ran: who has run it. scheduler::submit(feedback, f) does both; one run at a time.
// Levels    it begins at the most urgent one. A run longer than its level's quantum, which doubles from level to level,
//           moves it one down. Some runs in a row (`calm`) of half the next more urgent level's quantum at most move it
//           one up. The scheduler's policy::aging sees to it that the lowest level runs, too.
// Progress  wait-free.
// Cost      a load; behind a run two readings of the clock and a store.
// Ordering  none: a number.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
// Source    F. Corbato, M. Daggett, R. Daley, "An experimental time-sharing system", 1962 (the multi-level queue); ran
//           counts runs instead of waiting for a timer.
#ifndef FRYS_SCHED_FEEDBACK_HPP
#define FRYS_SCHED_FEEDBACK_HPP

#include <atomic>
#include <cstdint>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/deadline.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_feedback {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::feedback: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::feedback: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::feedback: policy::atomics wants an atomics model, see core/atomics.hpp");

 public:
  static constexpr unsigned calm = 4;

  // levels: the scheduler's policy::levels; quantum: what a run at the most urgent level may use.
  explicit basic_feedback(unsigned levels, nanoseconds quantum = nanoseconds{100'000}) noexcept
      : levels_(levels), quantum_(quantum) {
    FRYS_ASSERT(levels >= 1 && levels <= 16 && quantum.count() > 0,
                "feedback: it wants 1 to 16 levels and a quantum above 0");
  }
  basic_feedback(const basic_feedback&) = delete;
  basic_feedback& operator=(const basic_feedback&) = delete;

  // For the next submit; 0 is the most urgent.
  [[nodiscard]] unsigned level() const noexcept { return level_.load(std::memory_order_relaxed); }  // relaxed: a number

  // A run has taken that long.
  void ran(nanoseconds used) noexcept {
    const unsigned now = level();
    if (used > quantum_of(now)) {
      shorter_ = 0;
      if (now + 1 < levels_) level_.store(now + 1, std::memory_order_relaxed);  // relaxed: a number
    } else if (now != 0 && used <= quantum_of(now - 1) / 2) {
      if (++shorter_ < calm) return;
      shorter_ = 0;
      level_.store(now - 1, std::memory_order_relaxed);  // relaxed: a number
    } else {
      shorter_ = 0;
    }
  }

 private:
  [[nodiscard]] nanoseconds quantum_of(unsigned level) const noexcept { return quantum_ * (1u << level); }

  const unsigned levels_;
  const nanoseconds quantum_;
  unsigned shorter_ = 0;  // runs in a row that were; of who has run it
  typename atomics_type::template atomic<std::uint32_t> level_{0};
};

using feedback = basic_feedback<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FEEDBACK_HPP
