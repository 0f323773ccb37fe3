#include "workload.hpp"

#include <frys/memory/buffer_pool.hpp>

#include <optional>

BENCH_CONTENDER("frys") {
  static frys::buffer_pool<> pool(4096);
  return lease(settings, [] {
    struct held {
      frys::buffer b;
      frys::buffer* operator->() { return &b; }
    };
    return held{*pool.acquire()};
  });
}
