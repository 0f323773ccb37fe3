#include "workload.hpp"

#if __has_include(<boost/container/stable_vector.hpp>)
#include <boost/container/stable_vector.hpp>

namespace {
struct vector : boost::container::stable_vector<row> {
  void add(const row& r) { push_back(r); }
};
}  // namespace

BENCH_MEASURE("boost::stable_vector", vector)
#else
BENCH_MISSING("boost::stable_vector", "libboost-dev")
#endif
