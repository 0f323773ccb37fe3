#include "workload.hpp"

#include <frys/core/atomics.hpp>
#include <frys/core/wait.hpp>
#include <frys/core/word_lock.hpp>

// The lock of sharded_map's writers.
BENCH_CONTENDER("frys word_lock") {
  return measure<frys::word_lock<frys::atomics::standard, frys::wait::spin_then_park>>(settings);
}
