// The ways to wait that the workload compares: each turns a push or a pop that may be refused into one that waits. Not
// for stream(), whose consumers end by a pop that is refused.
#pragma once
#include "../adapters/frys.hpp"
#include "../common.hpp"

namespace {

struct spins {
  static void rest() { pause_core(); }
};
struct yields {
  static void rest() { ::sched_yield(); }
};
template <class Q, class Wait>
struct frys_waits {
  frys_queue<Q> q;
  bool try_push(std::uint64_t v) {
    while (!q.try_push(v)) Wait::rest();
    return true;
  }
  bool try_pop(std::uint64_t& v) {
    while (!q.try_pop(v)) Wait::rest();
    return true;
  }
};

// Of frys::blocking.
template <class Q>
struct frys_blocks {
  Q q;
  bool try_push(std::uint64_t v) { return static_cast<bool>(q.push(std::move(v))); }
  bool try_pop(std::uint64_t& v) {
    auto got = q.pop();
    if (!got) return false;
    v = *got;
    return true;
  }
};

}  // namespace
