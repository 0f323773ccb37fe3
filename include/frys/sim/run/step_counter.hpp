// step_counter: how many steps a sim::run has taken, and when a thread last changed anything, for one decrement a step:
// the rest is worked out when somebody asks.
#ifndef FRYS_SIM_RUN_STEP_COUNTER_HPP
#define FRYS_SIM_RUN_STEP_COUNTER_HPP

#include <cstdint>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

class step_counter {
 public:
  // One more. True: the step that `arm` was given is reached.
  FRYS_ALWAYS_INLINE bool step() noexcept { return --left_ == 0; }
  // The step that was counted last changes a word.
  FRYS_ALWAYS_INLINE void wrote() noexcept { wrote_at_ = left_; }

  // Whether something was changed since the last settle or arm.
  [[nodiscard]] bool has_written() const noexcept { return wrote_at_ <= armed_; }
  // Works out what is below; answers how many steps there were since the last time.
  std::uint32_t settle() noexcept {
    const std::uint32_t done = armed_ - left_;
    if (has_written()) {
      last_write_ = steps_ + (armed_ - wrote_at_);
      wrote_at_ = never_written;
    }
    steps_ += done;
    armed_ = left_;
    return done;
  }
  // Counts from here to step `next`.
  void arm(std::uint64_t next) noexcept {
    left_ = armed_ = next > steps_ ? static_cast<std::uint32_t>(next - steps_) : 1u;
    wrote_at_ = never_written;
  }

  // As of the last settle.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t last_write() const noexcept { return last_write_; }
  [[nodiscard]] std::uint64_t since_last_write() const noexcept { return steps_ - last_write_; }
  void set_last_write() noexcept { last_write_ = steps_; }

 private:
  static constexpr std::uint32_t never_written = ~std::uint32_t{0};

  std::uint32_t left_ = 0;                  // steps to the armed one
  std::uint32_t wrote_at_ = never_written;  // `left_` when something was last changed, since then
  std::uint32_t armed_ = 0;                 // `left_` when it was last settled
  std::uint64_t steps_ = 0;
  std::uint64_t last_write_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_STEP_COUNTER_HPP
