#include "workload.hpp"

#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>

#include <mutex>
#include <new>

namespace {
struct pool {
  boost::pool<> p{sizeof(particle)};
  std::mutex m;
  struct seat {
    explicit seat(pool& of) : all(of) {}
    pool& all;
    particle* make(std::uint64_t v) {
      const std::lock_guard lock(all.m);
      return new (all.p.malloc()) particle(v);
    }
    void drop(particle* x) {
      const std::lock_guard lock(all.m);
      all.p.free(x);
    }
  };
};
}  // namespace
BENCH_MEASURE("boost::pool + mutex", pool)
#else
BENCH_MISSING("boost::pool + mutex", "libboost-dev")
#endif
