// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/coroutine2/coroutine.hpp>)
#include <boost/coroutine2/coroutine.hpp>
#include <boost/coroutine2/pooled_fixedsize_stack.hpp>

BENCH_CONTENDER("boost coroutine2") {
  return creates(settings, [](std::size_t n) {
    namespace coro = boost::coroutines2;
    coro::pooled_fixedsize_stack stacks(16 * 1024);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      coro::coroutine<void>::push_type flow(stacks, [&sum, i](coro::coroutine<void>::pull_type&) { sum += i; });
      flow();
    }
    return sum;
  });
}
#else
BENCH_MISSING("boost coroutine2", "libboost-coroutine-dev")
#endif
