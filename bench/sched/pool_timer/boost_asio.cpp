#include "workload.hpp"

#if __has_include(<boost/asio/steady_timer.hpp>)
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <vector>

namespace {
std::atomic<std::size_t> rung{0};
struct timers {
  boost::asio::thread_pool pool{2};
  std::vector<boost::asio::steady_timer> all;
  timers() {
    all.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) all.emplace_back(pool);
    rung = 0;
  }
  ~timers() {
    for (auto& t : all) t.cancel();
    pool.join();
  }
  template <class F>
  void run(F&& f) {
    std::promise<void> ended;
    boost::asio::post(pool, [&] {
      f();
      ended.set_value();
    });
    ended.get_future().wait();
  }
  void set(std::size_t i) {
    all[i].expires_after(idle_limit);  // ends the wait that was
    all[i].async_wait([](const boost::system::error_code& ended) {
      if (!ended) ++rung;
    });
  }
  std::size_t fired() const { return rung; }
};
}  // namespace

BENCH_CONTENDER("boost::asio") {
  timers t;
  return pool_timeouts(settings, t);
}
#else
BENCH_MISSING("boost::asio", "libboost-dev")
#endif
