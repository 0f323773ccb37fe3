#include "workload.hpp"

#if __has_include(<boost/asio/thread_pool.hpp>)
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

BENCH_CONTENDER("boost asio") {
  boost::asio::thread_pool pool(8);
  const bench::outcome o = blocking(settings, [&](auto f) { boost::asio::post(pool, f); });
  pool.join();
  return o;
}
#else
BENCH_MISSING("boost asio", "libboost-dev")
#endif
