// expect: frys::async_generator<T>: T must be an object type; next() answers a pointer to one
#include <frys/sched/generator.hpp>

#ifdef WRONG
frys::async_generator<int&> bad() { co_return; }
#else
frys::async_generator<int> good() { co_return; }
#endif
