// Boost.Asio's thread pool.
#pragma once
#include "sched/adapters/pools.hpp"

#if __has_include(<boost/asio/thread_pool.hpp>)
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace {
struct asio_pool : pool_base<asio_pool> {
  boost::asio::thread_pool pool;
  explicit asio_pool(unsigned n) : pool(n) {}
  ~asio_pool() { pool.join(); }
  template <class F>
  void post(F f) {
    boost::asio::post(pool, std::move(f));
  }
};
}  // namespace
#else
struct asio_pool {
  static constexpr const char* package = "libboost-dev";
};
#endif
