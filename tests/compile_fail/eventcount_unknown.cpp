// expect: frys::eventcount: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<frys::policy::capacity<8>> bad;
#else
frys::eventcount<> good;
#endif
