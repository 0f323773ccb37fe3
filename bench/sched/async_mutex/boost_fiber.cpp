// link: boost_fiber boost_context
#include "workload.hpp"

#if __has_include(<boost/fiber/mutex.hpp>)
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

#include <mutex>
#include <vector>

BENCH_CONTENDER("boost::fibers::mutex") {
  return sections(
      settings,
      [](std::size_t n) {
        boost::fibers::mutex mutex;
        std::size_t sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::lock_guard held(mutex);
          bench::keep(++sum);
        }
        return sum;
      },
      [](std::size_t crowd, std::size_t n) {
        boost::fibers::mutex mutex;
        std::size_t sum = 0;
        std::vector<boost::fibers::fiber> all;
        for (std::size_t f = 0; f < crowd; ++f)
          all.emplace_back([&] {
            for (std::size_t i = 0; i < n; ++i) {
              const std::lock_guard held(mutex);
              ++sum;
              boost::this_fiber::yield();
            }
          });
        for (auto& f : all) f.join();
        return sum;
      },
      [](std::size_t n, double& wall) {
        boost::fibers::mutex mutex;
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
#else
BENCH_MISSING("boost::fibers::mutex", "libboost-fiber-dev")
#endif
