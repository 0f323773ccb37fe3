// expect: frys::task<T>: T must be void or an object that can be moved; answer a pointer instead of a reference
#include <frys/sched/task.hpp>

#ifdef WRONG
frys::task<int&> bad;
#else
frys::task<int*> good;
#endif
