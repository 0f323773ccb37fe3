#include "frys.hpp"

BENCH_CONTENDER("frys") {
  using mutex_type = frys::async_mutex<>;
  return sections(settings, &one_thread<mutex_type>, &in_a_crowd<mutex_type>, [](std::size_t n, double& wall) {
    mutex_type mutex;
    std::size_t sum = 0;
    wall = bench::on_threads(2, [&](unsigned) { frys::sync_wait(count_alone(mutex, n, sum)); });
    return sum;
  });
}
