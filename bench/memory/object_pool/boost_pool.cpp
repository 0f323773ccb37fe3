#include "workload.hpp"

#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>

namespace {
struct pool {
  boost::pool<> p{sizeof(particle)};
  particle* make(std::uint64_t v) { return new (p.malloc()) particle(v); }
  void drop(particle* x) { p.free(x); }
};
}  // namespace

BENCH_CONTENDER("boost::pool") {
  static pool p;
  return churn(settings, p);
}
#else
BENCH_MISSING("boost::pool", "libboost-dev")
#endif
