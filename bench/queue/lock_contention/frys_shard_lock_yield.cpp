#include "workload.hpp"

#include <frys/core/atomics.hpp>
#include <frys/core/wait.hpp>
#include <frys/queue/detail/shard_lock.hpp>

BENCH_CONTENDER("frys shard_lock, wait::yield") {
  return measure<frys::detail::shard_lock<frys::atomics::standard, frys::wait::yield>>(settings);
}
