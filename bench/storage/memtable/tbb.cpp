// link: tbb
#include "workload.hpp"

#if __has_include(<tbb/concurrent_hash_map.h>)
#include <tbb/concurrent_hash_map.h>

#include <memory>

namespace {
// For many threads, which frys' memtable is not: here to show what that costs.
struct table_type {
  using map = tbb::concurrent_hash_map<std::string, std::uint64_t>;
  map t;
  std::uint64_t last = 0;
  void put(std::string_view k, std::uint64_t v) {
    map::accessor a;
    t.insert(a, std::string(k));
    a->second = v;
  }
  const std::uint64_t* get(std::string_view k) {
    map::const_accessor a;
    if (!t.find(a, std::string(k))) return nullptr;
    last = a->second;
    return &last;
  }
  bool drop(std::string_view k) { return t.erase(std::string(k)); }
};
}  // namespace

BENCH_CONTENDER("tbb") {
  return table(settings, [] { return std::make_unique<table_type>(); });
}
#else
BENCH_MISSING("tbb", "libtbb-dev")
#endif
