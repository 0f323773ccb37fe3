// expect: frys::eventcount: unknown policy
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<int> bad;
#else
frys::eventcount<> good;
#endif
