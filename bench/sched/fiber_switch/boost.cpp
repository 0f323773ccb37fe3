// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/context/fiber.hpp>)
#include <boost/context/fiber.hpp>

namespace {
std::size_t fibers(std::size_t n) {
  namespace ctx = boost::context;
  std::size_t count = 0;
  bool over = false;
  ctx::fiber f{[&](ctx::fiber&& home) {
    while (!over) {
      ++count;
      home = std::move(home).resume();
    }
    return std::move(home);
  }};
  for (std::size_t i = 0; i < n; ++i) f = std::move(f).resume();
  over = true;
  f = std::move(f).resume();
  return count;
}
}  // namespace
BENCH_CONTENDER("boost fiber") { return switches(settings, &fibers); }
#else
BENCH_MISSING("boost fiber", "libboost-context-dev")
#endif
