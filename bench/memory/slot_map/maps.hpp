// A map of numbers to particles as a Map: the number counts up, so no handle comes twice.
#pragma once
#include "workload.hpp"

namespace {
template <class M>
struct numbered {
  static constexpr bool checks = true;
  using handle = std::uint64_t;
  M m;
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
