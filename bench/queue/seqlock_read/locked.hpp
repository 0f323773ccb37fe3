// The value behind a lock; Shared: what a reader locks with.
#pragma once
#include <mutex>
#include <shared_mutex>

#include "workload.hpp"

template <class Mutex, class Shared>
struct locked_cell {
  mutable Mutex m;
  quad value;
  quad load() const {
    const Shared lock(m);
    return value;
  }
  void store(const quad& q) {
    const std::lock_guard lock(m);
    value = q;
  }
  direct<locked_cell> reader() { return {this}; }
  direct<locked_cell> writer() { return {this}; }
};
