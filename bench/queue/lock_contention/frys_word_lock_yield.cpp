#include "workload.hpp"

#include <frys/core/atomics.hpp>
#include <frys/core/wait.hpp>
#include <frys/core/word_lock.hpp>

BENCH_CONTENDER("frys word_lock, wait::yield") {
  return measure<frys::word_lock<frys::atomics::standard, frys::wait::yield>>(settings);
}
