#include "../chase_lev.hpp"
#include "workload.hpp"

namespace {
struct deque : chase_lev {
  chase_lev& owner() { return *this; }
};
}  // namespace

BENCH_CONTENDER("chase-lev") { return measure<deque>(settings); }
