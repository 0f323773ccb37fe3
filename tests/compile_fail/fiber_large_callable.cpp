// expect: frys::fiber_scheduler: the callable and its answer lie on the fiber
#include <frys/sched/fiber.hpp>

#ifdef WRONG
struct large {
  char bytes[8000];
  void operator()() {}
};
void starts(frys::fiber_scheduler<>& s) { (void)s.start(large{}); }
#else
struct small_one {
  char bytes[80];
  void operator()() {}
};
void starts(frys::fiber_scheduler<>& s) { (void)s.start(small_one{}); }
#endif
