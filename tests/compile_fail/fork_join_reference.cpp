// expect: frys::join: a piece answers a value or void; answer a pointer instead of a reference
#include <frys/sched/fork_join.hpp>

inline int number = 0;

#ifdef WRONG
auto bad() { return frys::join([] {}, []() -> int& { return number; }); }
#else
auto good() { return frys::join([] {}, []() -> int* { return &number; }); }
#endif
