// Its elements move when it grows.
#include "workload.hpp"

#include <vector>

namespace {
struct vector : std::vector<row> {
  void add(const row& r) { push_back(r); }
};
}  // namespace

BENCH_MEASURE("std::vector", vector)
