#include "workload.hpp"

#if __has_include(<boost/unordered_map.hpp>)
#include <boost/container_hash/hash.hpp>
#include <boost/unordered_map.hpp>

#include <memory>

namespace {
struct text_hash {
  std::size_t operator()(std::string_view t) const { return boost::hash_range(t.begin(), t.end()); }
};
struct table_type {
  boost::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> t;
  void put(std::string_view k, std::uint64_t v) { t[std::string(k)] = v; }
  const std::uint64_t* get(std::string_view k) {
    const auto at = t.find(k, text_hash{}, std::equal_to<>{});
    return at == t.end() ? nullptr : &at->second;
  }
  bool drop(std::string_view k) {
    const auto at = t.find(k, text_hash{}, std::equal_to<>{});
    if (at == t.end()) return false;
    t.erase(at);
    return true;
  }
};
}  // namespace

BENCH_CONTENDER("boost::unordered_map") {
  return table(settings, [] { return std::make_unique<table_type>(); });
}
#else
BENCH_MISSING("boost::unordered_map", "libboost-dev")
#endif
