#include "workload.hpp"

#include <frys/sched/timer_wheel.hpp>

#include <memory>

namespace {
using std::chrono::milliseconds;
struct timers {
  std::unique_ptr<frys::timer_wheel<>> wheel = std::make_unique<frys::timer_wheel<>>();
  std::vector<frys::timer> all;
  explicit timers(std::size_t count) : all(count, frys::timer([](frys::timer&) noexcept {})) {}
  ~timers() { wheel.reset(); }
  void set(std::size_t i, std::uint64_t at) { wheel->add(all[i], milliseconds(at)); }
  void cancel(std::size_t i) { wheel->cancel(all[i]); }
  std::uint64_t next_ms() const { return static_cast<std::uint64_t>(wheel->next_deadline().at.count()) / 1'000'000; }
  std::size_t advance(std::uint64_t now) { return wheel->advance(milliseconds(now)); }
};
}  // namespace

BENCH_CONTENDER("frys") { return million<timers>(settings); }
