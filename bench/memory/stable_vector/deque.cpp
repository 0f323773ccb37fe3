#include "workload.hpp"

#include <deque>

namespace {
struct vector : std::deque<row> {
  void add(const row& r) { push_back(r); }
};
}  // namespace

BENCH_MEASURE("std::deque", vector)
