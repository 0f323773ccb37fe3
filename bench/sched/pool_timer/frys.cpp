#include "workload.hpp"

#include <frys/core/clock.hpp>
#include <frys/sched/scheduler.hpp>

#include <memory>
#include <vector>

namespace {
using pool_type = frys::scheduler<>;
std::atomic<std::size_t> rung{0};
struct timeout : pool_type::timer_type {
  timeout() : pool_type::timer_type([](pool_type::timer_type&) noexcept { ++rung; }) {}
};
struct timers {
  std::unique_ptr<pool_type> pool;
  std::vector<std::unique_ptr<timeout>> all;
  timers() {
    frys::scheduler_options o;
    o.workers = 2;
    pool = *pool_type::create(o);
    for (std::size_t i = 0; i < connections; ++i) all.push_back(std::make_unique<timeout>());
    rung = 0;
  }
  ~timers() { pool.reset(); }
  template <class F>
  void run(F&& f) {
    bench::check(pool->submit(f) == frys::push_result::ok && pool->drain(), "it runs");
  }
  void set(std::size_t i) {
    const auto at = frys::deadline::after<frys::clocks::steady>(idle_limit);
    if (!pool->move(*all[i], at)) pool->add(*all[i], at);
  }
  std::size_t fired() const { return rung; }
};
}  // namespace

BENCH_CONTENDER("frys") {
  timers t;
  return pool_timeouts(settings, t);
}
