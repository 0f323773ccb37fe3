#include "workload.hpp"

#include <frys/memory/small_vector.hpp>

namespace {
struct vector : frys::small_vector<std::uint64_t, 8> {
  void add(std::uint64_t v) { static_cast<void>(push_back(v)); }
};
}  // namespace

BENCH_MEASURE("frys", vector)
