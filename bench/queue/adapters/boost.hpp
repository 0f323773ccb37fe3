// Boost's lock-free queues.
#pragma once
#include <cstddef>
#include <cstdint>

#if __has_include(<boost/lockfree/queue.hpp>)
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

namespace {
struct boost_bounded {
  boost::lockfree::queue<std::uint64_t, boost::lockfree::capacity<1024>> q;
  bool try_push(std::uint64_t v) { return q.bounded_push(v); }
  bool try_pop(std::uint64_t& v) { return q.pop(v); }
};
struct boost_unbounded {
  boost::lockfree::queue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.push(v); }
  bool try_pop(std::uint64_t& v) { return q.pop(v); }
};
struct boost_spsc {
  boost::lockfree::spsc_queue<std::uint64_t, boost::lockfree::capacity<1024>> q;
  bool try_push(std::uint64_t v) { return q.push(v); }
  bool try_pop(std::uint64_t& v) { return q.pop(v); }
  std::size_t push_some(const std::uint64_t* values, std::size_t n) { return q.push(values, n); }
  std::size_t pop_some(std::uint64_t* out, std::size_t n) { return q.pop(out, n); }
};
}  // namespace
#else
struct boost_bounded {
  static constexpr const char* package = "libboost-dev";
};
using boost_unbounded = boost_bounded;
using boost_spsc = boost_bounded;
#endif
