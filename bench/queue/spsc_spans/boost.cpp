#include "workload.hpp"

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#include <boost/lockfree/spsc_queue.hpp>

namespace {
struct queue {
  boost::lockfree::spsc_queue<std::uint64_t, boost::lockfree::capacity<1024>> q;
  std::size_t write(std::uint64_t next, std::uint64_t last) {
    std::array<std::uint64_t, piece> values;
    const std::size_t n = (std::min)(piece, static_cast<std::size_t>(last - next));
    for (std::size_t i = 0; i < n; ++i) values[i] = next + i;
    return q.push(values.data(), n);
  }
  std::size_t read(std::uint64_t& sum) {
    std::array<std::uint64_t, piece> values;
    const std::size_t n = q.pop(values.data(), piece);
    for (std::size_t i = 0; i < n; ++i) sum += values[i];
    return n;
  }
};
}  // namespace

BENCH_CONTENDER("boost::lockfree") { return measure<queue>(settings); }
#else
BENCH_MISSING("boost::lockfree", "libboost-dev")
#endif
