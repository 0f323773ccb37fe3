#include "workload.hpp"

#include <frys/queue/seqlock.hpp>

namespace {
struct cell {
  frys::seqlock<quad> value;
  quad load() const { return value.load(); }
  void store(const quad& q) { value.store(q); }
  direct<cell> reader() { return {this}; }
  direct<cell> writer() { return {this}; }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<cell>(settings); }
