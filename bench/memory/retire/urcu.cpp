// link: urcu-memb urcu-common
#include "workload.hpp"

#if __has_include(<urcu/urcu-memb.h>)
#include <urcu/urcu-memb.h>

namespace {
// liburcu's own way to retire: defer_rcu, whose thread's queue holds 4,096 and then waits for a grace period. It
// destroys on a thread of its own, too, which is why the CPU time of this one does not count all of it.
struct scheme {
  scheme() {
    urcu_memb_register_thread();
    urcu_memb_defer_register_thread();
  }
  ~scheme() {  // liburcu wants to be left before the program ends
    urcu_memb_defer_unregister_thread();
    urcu_memb_unregister_thread();
  }
  void retire(void* object) {
    urcu_memb_defer_rcu([](void* p) { count_one(p); }, object);
  }
  void finish() { urcu_memb_defer_barrier(); }
};
}  // namespace

BENCH_CONTENDER("liburcu memb, defer") {
  static scheme s;
  return retires(settings, s);
}
#else
BENCH_MISSING("liburcu memb, defer", "liburcu-dev")
#endif
