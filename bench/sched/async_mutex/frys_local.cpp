#include <frys/core/local_atomics.hpp>

#include "frys.hpp"

BENCH_CONTENDER("frys, atomics::local") {
  using mutex_type = frys::async_mutex<frys::policy::atomics<frys::atomics::local>>;
  return sections(settings, &one_thread<mutex_type>, &in_a_crowd<mutex_type>, nullptr);
}
