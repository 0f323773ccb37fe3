#include "frys.hpp"

BENCH_CONTENDER("frys fibers, float control") {
  return switches(settings, &frys_side::yields<frys_side::with_float_control>);
}
