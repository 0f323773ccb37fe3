// link: urcu-memb urcu-common
#include "workload.hpp"

#if __has_include(<urcu/urcu-memb.h>)
#define _LGPL_SOURCE 1
#define URCU_INLINE_SMALL_FUNCTIONS 1
#include <urcu/urcu-memb.h>

namespace {
struct scheme {
  object o;
  std::atomic<object*> source{&o};
  scheme() { urcu_memb_register_thread(); }
  std::uint64_t read() {
    urcu_memb_read_lock();
    const std::uint64_t v = source.load(std::memory_order_acquire)->value;
    urcu_memb_read_unlock();
    return v;
  }
};
}  // namespace

BENCH_CONTENDER("liburcu memb") {
  static scheme s;
  return reads(settings, s);
}
#else
BENCH_MISSING("liburcu memb", "liburcu-dev")
#endif
