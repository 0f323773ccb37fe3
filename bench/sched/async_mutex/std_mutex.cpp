#include "workload.hpp"

#include <mutex>

BENCH_CONTENDER("std::mutex") {
  return sections(
      settings,
      [](std::size_t n) {
        std::mutex mutex;
        std::size_t sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::lock_guard held(mutex);
          bench::keep(++sum);
        }
        return sum;
      },
      nullptr,
      [](std::size_t n, double& wall) {
        std::mutex mutex;
        std::size_t sum = 0;
        wall = bench::on_threads(2, [&](unsigned) {
          for (std::size_t i = 0; i < n; ++i) {
            const std::lock_guard held(mutex);
            bench::keep(++sum);
          }
        });
        return sum;
      });
}
