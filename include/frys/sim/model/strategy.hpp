// strategy: who decides in an execution: the explorers (explore.hpp, exhaustive.hpp) and replay.
#ifndef FRYS_SIM_MODEL_STRATEGY_HPP
#define FRYS_SIM_MODEL_STRATEGY_HPP

#include <cstdint>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::model::detail {

class execution;

// One decision of a strategy, as a schedule keeps it.
struct decision {
  enum class kind : std::uint8_t { thread, read, place, choice };
  kind what = kind::thread;
  std::uint16_t value = 0;  // the thread; how many newer messages there are; the choice
};

class strategy {
 public:
  virtual ~strategy() = default;
  // Who goes on: one of the bits of `runnable`, which is not 0. `current` ran last.
  virtual unsigned next_thread(execution& e, unsigned runnable, unsigned current) = 0;
  // Which of `count` messages a load reads, or which place a store takes: 0 is the newest. `positions` is nullptr where
  // they are the newest `count` in order. `stop`: abandon.
  virtual std::uint32_t read(execution& e, const std::uint32_t* positions, std::uint32_t count, bool update) = 0;
  virtual std::uint32_t place(execution& e, const std::uint32_t* positions, std::uint32_t count) = 0;
  virtual std::uint32_t choose(execution& e, std::uint32_t count) = 0;
  // The store half of an update is about to stand at `position`, which may be taken by another one. False: abandon.
  virtual bool update(execution&, std::uint32_t /*location*/, std::uint32_t /*position*/, bool free) { return free; }
  // It is asked before every event, and between the halves of an update; loads may read
  // messages that an update has read already, since the other update may have to give way.
  virtual bool wants_every_event() const noexcept { return false; }
  // It is asked also where there is one answer only.
  virtual bool wants_every_choice() const noexcept { return false; }
  // The next read or place is of this location.
  virtual void looks_at(std::uint32_t /*location*/) noexcept {}
  // A thread that pauses waits to the end of the execution.
  virtual bool pause_is_final() const noexcept { return false; }
  static constexpr std::uint32_t stop = ~std::uint32_t{0};
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_STRATEGY_HPP
