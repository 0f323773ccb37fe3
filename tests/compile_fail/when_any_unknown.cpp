// expect: frys::when_any: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

frys::task<int> one();
#ifdef WRONG
void body() { (void)frys::when_any<frys::policy::chunk_size<8>>(one()); }
#else
void body() { (void)frys::when_any<frys::policy::atomics<frys::atomics::real>>(one()); }
#endif
