// expect: frys::parker: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<frys::policy::capacity<8>> bad;
#else
frys::parker<> good;
#endif
