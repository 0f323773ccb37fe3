#include "workload.hpp"

#if __has_include(<boost/unordered_map.hpp>)
#include <boost/unordered_map.hpp>

namespace {
struct map {
  static constexpr bool checks = true;
  using handle = std::uint64_t;
  boost::unordered_map<std::uint64_t, particle> m;
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

BENCH_MEASURE("boost::unordered_map", map)
#else
BENCH_MISSING("boost::unordered_map", "libboost-dev")
#endif
