#include "workload.hpp"

#include <deque>
#include <mutex>

namespace {
struct queue {
  std::mutex m;
  std::deque<std::uint64_t> q;
  std::size_t push_some(const std::uint64_t* values, std::size_t n) {
    const std::lock_guard lock(m);
    n = (std::min)(n, 1024 - q.size());
    q.insert(q.end(), values, values + n);
    return n;
  }
  std::size_t pop_some(std::uint64_t* out, std::size_t n) {
    const std::lock_guard lock(m);
    n = (std::min)(n, q.size());
    const auto end = q.begin() + static_cast<std::ptrdiff_t>(n);
    std::copy(q.begin(), end, out);
    q.erase(q.begin(), end);
    return n;
  }
};
}  // namespace

BENCH_CONTENDER("mutex+deque") { return measure<queue>(settings); }
