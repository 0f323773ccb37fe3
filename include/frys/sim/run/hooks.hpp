// hooks: what clock and random ask of the sim::run that they are called in. See run.hpp.
#ifndef FRYS_SIM_RUN_HOOKS_HPP
#define FRYS_SIM_RUN_HOOKS_HPP

#include <cstdint>

#include "../../config.hpp"
#include "../../core/deadline.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

// The run's machine derives from it, so that a clock needs no machine to compile.
class run_hooks {
 public:
  // The one that this OS thread is in; nullptr outside.
  static run_hooks* current() noexcept { return running(); }

  nanoseconds (*look)(run_hooks&) noexcept;                 // what time it is: a step of the run
  void (*advance_to)(run_hooks&, nanoseconds at) noexcept;  // lets time pass
  std::uint64_t (*fresh_seed)(run_hooks&) noexcept;         // another one for each call, the same in each repetition

 protected:
  constexpr run_hooks(nanoseconds (*l)(run_hooks&) noexcept, void (*a)(run_hooks&, nanoseconds) noexcept,
                      std::uint64_t (*f)(run_hooks&) noexcept) noexcept
      : look(l), advance_to(a), fresh_seed(f) {}
  ~run_hooks() = default;
  run_hooks(const run_hooks&) = delete;
  run_hooks& operator=(const run_hooks&) = delete;

  static run_hooks*& running() noexcept {
    static constinit thread_local run_hooks* here = nullptr;
    return here;
  }
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_HOOKS_HPP
