#include "workload.hpp"

#include <frys/sched/blocking_pool.hpp>

BENCH_CONTENDER("frys") {
  auto pool = frys::blocking_pool<>::create({.most_threads = 8});
  bench::check(pool.has_value(), "a pool");
  return blocking(settings, [&](auto f) { bench::check((*pool)->submit(f).has_value(), "submitted"); });
}
