#include "workload.hpp"

#include <memory>
#include <unordered_map>

namespace {
struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view t) const { return std::hash<std::string_view>{}(t); }
};
struct table_type {
  std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> t;
  void put(std::string_view k, std::uint64_t v) { t.insert_or_assign(std::string(k), v); }
  const std::uint64_t* get(std::string_view k) {
    const auto at = t.find(k);
    return at == t.end() ? nullptr : &at->second;
  }
  bool drop(std::string_view k) {
    const auto at = t.find(k);
    if (at == t.end()) return false;
    t.erase(at);
    return true;
  }
};
}  // namespace

BENCH_CONTENDER("std::unordered_map") {
  return table(settings, [] { return std::make_unique<table_type>(); });
}
