// oneTBB: an arena with no place for the caller; enqueue. A source says `// link: tbb`.
#pragma once
#include "sched/adapters/pools.hpp"

#if __has_include(<tbb/task_arena.h>)
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

namespace {
struct tbb_pool : pool_base<tbb_pool> {
  tbb::global_control limit;
  tbb::task_arena arena;
  explicit tbb_pool(unsigned n)
      : limit(tbb::global_control::max_allowed_parallelism, n + 1), arena(static_cast<int>(n), 0) {
    arena.initialize();
  }
  template <class F>
  void post(F f) {
    arena.enqueue(std::move(f));
  }
};
}  // namespace
#else
struct tbb_pool {
  static constexpr const char* package = "libtbb-dev";
};
#endif
