#include "workload.hpp"

#include <unordered_map>

namespace {
struct map {
  static constexpr bool checks = true;
  using handle = std::uint64_t;
  std::unordered_map<std::uint64_t, particle> m;
  std::uint64_t next = 0;
  handle make(std::uint64_t v) {
    m.try_emplace(next, v);
    return next++;
  }
  bool drop(handle h) { return m.erase(h) != 0; }
  particle* find(handle h) {
    const auto i = m.find(h);
    return i == m.end() ? nullptr : &i->second;
  }
  template <class F>
  void each(F f) {
    for (auto& [k, p] : m) f(p);
  }
};
}  // namespace

BENCH_MEASURE("std::unordered_map", map)
