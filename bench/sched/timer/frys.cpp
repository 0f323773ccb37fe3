#include "workload.hpp"

#include <frys/sched/timer_wheel.hpp>

#include <memory>

namespace {
std::size_t fired = 0;
struct timers {
  frys::timer_wheel<> wheel{std::chrono::milliseconds(1000)};
  std::vector<frys::timer> all;
  timers() {
    all.reserve(10'000);
    for (int i = 0; i < 10'000; ++i) all.emplace_back([](frys::timer&) noexcept { ++fired; });
  }
  void set(std::size_t i, std::uint64_t at) {
    wheel.cancel(all[i]);
    wheel.add(all[i], std::chrono::milliseconds(at));
  }
  std::size_t advance(std::uint64_t now) {
    fired = 0;
    wheel.advance(std::chrono::milliseconds(now));
    return fired;
  }
};
}  // namespace

BENCH_CONTENDER("frys") {
  auto t = std::make_unique<timers>();
  return timeouts(settings, *t);
}
