// sim::world: the simulated world in one word: policy::world<sim::world>.
//
// Fills     the clock, the files and the randomness; atomics and network stay a block's defaults.
// Not when  the program has threads: policy::world<sim::run_world> (run.hpp).
#ifndef FRYS_SIM_WORLD_HPP
#define FRYS_SIM_WORLD_HPP

#include "../config.hpp"
#include "clock.hpp"
#include "disk.hpp"
#include "random.hpp"

namespace frys::inline FRYS_ABI::sim {

struct world {
  using clock = sim::clock;
  using files = sim::disk;
  using random = sim::random;
};

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_WORLD_HPP
