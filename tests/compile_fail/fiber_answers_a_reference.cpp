// expect: frys::fiber<T>: T must be void or an object that can be moved; answer a pointer instead of a reference
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber<int&> bad;
#else
frys::fiber<int*> good;
#endif
