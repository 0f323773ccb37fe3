// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/coroutine2/coroutine.hpp>)
#include <boost/coroutine2/coroutine.hpp>

BENCH_CONTENDER("boost coroutine2") {
  return switches(settings, [](std::size_t n) {
    std::size_t count = 0;
    bool over = false;
    boost::coroutines2::coroutine<void>::push_type flow([&](boost::coroutines2::coroutine<void>::pull_type& home) {
      while (!over) {
        ++count;
        home();
      }
    });
    for (std::size_t i = 0; i < n; ++i) flow();
    over = true;
    flow();
    return count;
  });
}
#else
BENCH_MISSING("boost coroutine2", "libboost-coroutine-dev")
#endif
