// TBB's queues. A source that uses them says `// link: tbb`.
#pragma once
#include <cstdint>

#if __has_include(<tbb/concurrent_queue.h>)
#include <tbb/concurrent_queue.h>

namespace {
struct tbb_bounded {
  tbb::concurrent_bounded_queue<std::uint64_t> q;
  tbb_bounded() { q.set_capacity(1024); }
  bool try_push(std::uint64_t v) { return q.try_push(v); }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
struct tbb_unbounded {
  tbb::concurrent_queue<std::uint64_t> q;
  bool try_push(std::uint64_t v) {
    q.push(v);
    return true;
  }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
}  // namespace
#else
struct tbb_bounded {
  static constexpr const char* package = "libtbb-dev";
};
using tbb_unbounded = tbb_bounded;
#endif
