#include "workload.hpp"

#include <frys/core/parker.hpp>

namespace {
template <class W>
struct bell {
  frys::parker<frys::policy::wait<W>> p;
  void ring() { p.unpark(); }
  void await() { p.park(); }
};
}  // namespace

BENCH_CONTENDER("frys") {
  return {0,
          {{"sleeping", "ns", bench::better::lower, round_trip<bell<frys::wait::park>>(settings)},
           {"default", "ns", bench::better::lower, round_trip<bell<frys::wait::spin_then_park>>(settings)},
           {"spinning", "ns", bench::better::lower, round_trip<bell<frys::wait::spin>>(settings)}}};
}
