#include "frys_inline.hpp"

BENCH_CONTENDER("frys") {
  using rendezvous = frys::channel<std::uint64_t, frys::policy::capacity<0>>;
  using buffered = frys::channel<std::uint64_t, frys::policy::capacity<64>>;
  return values(settings, &on_one_thread<rendezvous>, &on_one_thread<buffered>, [](std::size_t n, double& wall) {
    buffered queue;
    std::uint64_t sum = 0;
    wall = bench::on_threads(2, [&](unsigned core) {
      if (core == 0)
        frys::sync_wait(give(queue, n));
      else
        frys::sync_wait(take(queue, sum));
    });
    return sum;
  });
}
