#include "workload.hpp"

#include <frys/memory/stable_vector.hpp>

namespace {
struct vector : frys::stable_vector<row> {
  void add(const row& r) { static_cast<void>(push_back(r)); }
};
}  // namespace

BENCH_MEASURE("frys", vector)
