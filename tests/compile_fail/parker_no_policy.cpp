// expect: frys::parker: unknown policy
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<int> bad;
#else
frys::parker<> good;
#endif
