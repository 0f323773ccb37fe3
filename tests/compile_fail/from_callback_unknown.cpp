// expect: frys::from_callback: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/from_callback.hpp>

#ifdef WRONG
void body() {
  (void)frys::from_callback<int, frys::policy::chunk_size<8>>([](frys::callback<int> done) { done(1); });
}
#else
void body() {
  (void)frys::from_callback<int, frys::policy::atomics<frys::atomics::real>>([](frys::callback<int> done) { done(1); });
}
#endif
