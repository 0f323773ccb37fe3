// link: boost_fiber boost_context
#include "workload.hpp"

#if __has_include(<boost/fiber/buffered_channel.hpp>)
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

namespace {
template <class Channel>
void give(Channel& to, std::uint64_t n) {
  for (std::uint64_t i = 1; i <= n; ++i) to.push(i);
  to.close();
}
template <class Channel>
void take(Channel& from, std::uint64_t& sum) {
  for (const std::uint64_t v : from) sum += v;
}
template <class Channel>
std::uint64_t one_thread(Channel& queue, std::size_t n) {
  std::uint64_t sum = 0;
  boost::fibers::fiber giver([&] { give(queue, n); });
  boost::fibers::fiber taker([&] { take(queue, sum); });
  giver.join();
  taker.join();
  return sum;
}
}  // namespace

BENCH_CONTENDER("boost::fibers channels") {
  return values(
      settings,
      [](std::size_t n) {
        boost::fibers::unbuffered_channel<std::uint64_t> queue;
        return one_thread(queue, n);
      },
      [](std::size_t n) {
        boost::fibers::buffered_channel<std::uint64_t> queue(64);
        return one_thread(queue, n);
      },
      [](std::size_t n, double& wall) {
        boost::fibers::buffered_channel<std::uint64_t> queue(64);
        std::uint64_t sum = 0;
        wall = bench::on_threads(2, [&](unsigned core) {
          if (core == 0)
            give(queue, n);
          else
            take(queue, sum);
        });
        return sum;
      });
}
#else
BENCH_MISSING("boost::fibers channels", "libboost-fiber-dev")
#endif
