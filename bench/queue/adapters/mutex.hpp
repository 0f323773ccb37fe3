// The standard's containers behind a std::mutex.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace {

// Bound 0: none.
template <std::size_t Bound>
struct mutex_queue {
  std::mutex m;
  std::deque<std::uint64_t> q;
  bool try_push(std::uint64_t v) {
    const std::lock_guard lock(m);
    if (Bound != 0 && q.size() >= Bound) return false;
    q.push_back(v);
    return true;
  }
  bool try_pop(std::uint64_t& v) {
    const std::lock_guard lock(m);
    if (q.empty()) return false;
    v = q.front();
    q.pop_front();
    return true;
  }
};

// Newest first: the cheapest order.
struct mutex_stack {
  std::mutex m;
  std::vector<std::uint64_t> values;
  bool try_push(std::uint64_t v) {
    const std::lock_guard lock(m);
    values.push_back(v);
    return true;
  }
  bool try_pop(std::uint64_t& v) {
    const std::lock_guard lock(m);
    if (values.empty()) return false;
    v = values.back();
    values.pop_back();
    return true;
  }
};

}  // namespace
