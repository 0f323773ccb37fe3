// A free list of Boost.Lockfree: a stack of places, fixed in number.
#include "workload.hpp"

#if __has_include(<boost/lockfree/stack.hpp>)
#include <boost/lockfree/stack.hpp>

#include <new>

namespace {
struct pool {
  static constexpr std::size_t most = 8192;
  struct alignas(particle) place {
    std::byte bytes[sizeof(particle)];
  };
  std::vector<place> places{most};
  boost::lockfree::stack<void*> free{most};
  pool() {
    for (place& p : places) free.bounded_push(&p);
  }
  struct seat {
    explicit seat(pool& of) : all(of) {}
    pool& all;
    particle* make(std::uint64_t v) {
      void* at = nullptr;
      while (!all.free.pop(at)) {
      }
      return new (at) particle(v);
    }
    void drop(particle* x) { all.free.bounded_push(x); }
  };
};
}  // namespace
BENCH_MEASURE("boost::lockfree::stack", pool)
#else
BENCH_MISSING("boost::lockfree::stack", "libboost-dev")
#endif
