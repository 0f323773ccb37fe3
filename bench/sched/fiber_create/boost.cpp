// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/context/fiber.hpp>)
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

BENCH_CONTENDER("boost fiber") {
  return creates(settings, [](std::size_t n) {
    namespace ctx = boost::context;
    ctx::pooled_fixedsize_stack stacks(16 * 1024);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      ctx::fiber f{std::allocator_arg, stacks, [&sum, i](ctx::fiber&& home) {
                     sum += i;
                     return std::move(home);
                   }};
      f = std::move(f).resume();
    }
    return sum;
  });
}
#else
BENCH_MISSING("boost fiber", "libboost-context-dev")
#endif
