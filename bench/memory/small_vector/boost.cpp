#include "workload.hpp"

#if __has_include(<boost/container/small_vector.hpp>)
#include <boost/container/small_vector.hpp>

namespace {
struct vector : boost::container::small_vector<std::uint64_t, 8> {
  void add(std::uint64_t v) { push_back(v); }
};
}  // namespace

BENCH_MEASURE("boost::small_vector", vector)
#else
BENCH_MISSING("boost::small_vector", "libboost-dev")
#endif
