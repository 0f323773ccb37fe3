#include "workload.hpp"

#include <frys/storage/memtable.hpp>

#include <memory>

namespace {
struct table_type {
  frys::memtable<std::uint64_t> t;
  void put(std::string_view k, std::uint64_t v) { (void)t.insert_or_assign(k, v); }
  const std::uint64_t* get(std::string_view k) { return t.find(k); }
  bool drop(std::string_view k) { return t.erase(k); }
};
}  // namespace

BENCH_CONTENDER("frys") {
  return table(settings, [] { return std::make_unique<table_type>(); });
}
