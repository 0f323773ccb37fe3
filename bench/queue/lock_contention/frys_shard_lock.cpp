#include "workload.hpp"

#include <frys/core/atomics.hpp>
#include <frys/core/wait.hpp>
#include <frys/queue/detail/shard_lock.hpp>

// The lock of sharded_map's writers.
BENCH_CONTENDER("frys shard_lock") {
  return measure<frys::detail::shard_lock<frys::atomics::standard, frys::wait::spin_then_park>>(settings);
}
