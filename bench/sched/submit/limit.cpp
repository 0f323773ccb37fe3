#include "workload.hpp"

namespace {
// One line there and another one back.
double two_line_round_trip() {
  constexpr std::uint64_t n = 1000, windows = 20;
  stamp there, back;
  std::vector<double> times;
  bench::on_threads(2, [&](unsigned me) {
    for (std::uint64_t w = 0; w < windows; ++w) {
      const double start = bench::now_ns();
      for (std::uint64_t i = w * n + 1; i <= w * n + n; ++i) {
        if (me == 0) {
          there.x.store(i, std::memory_order_release);
          await_value(back, i);
        } else {
          await_value(there, i);
          back.x.store(i, std::memory_order_release);
        }
      }
      if (me == 0) times.push_back((bench::now_ns() - start) / static_cast<double>(n));
    }
  });
  return crews::median(times);
}

// A thread that sleeps on the other core.
double futex_wake(const bench::settings& s) {
  std::atomic<std::uint32_t> word{0};
  std::atomic<std::atomic<double>*> to{nullptr};
  double time = 0;
  bench::on_threads(2, [&](unsigned me) {
    if (me == 0) {
      time = parked(s, until_parked, [&](std::atomic<double>& ran_at) {
        to.store(&ran_at, std::memory_order_release);
        word.fetch_add(1);
        ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      });
      to.store(nullptr);
      word.fetch_add(1);
      ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    } else {
      for (std::uint32_t seen = 0;;) {
        while (word.load() == seen) ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
        seen = word.load();
        std::atomic<double>* const ran_at = to.load(std::memory_order_acquire);
        if (ran_at == nullptr) return;
        ran_at->store(bench::now_ns(), std::memory_order_release);
      }
    }
  });
  return time;
}
}  // namespace

BENCH_CONTENDER("limit") {
  return {0,
          {{"two_line_round_trip", "ns", bench::better::lower, two_line_round_trip()},
           {"futex_wake", "ns", bench::better::lower, futex_wake(settings)}}};
}
