// expect: frys::trace::ring<N>: N must be a power of two
#include <frys/sched/trace.hpp>

#ifdef WRONG
frys::trace::ring<48> bad;
#else
frys::trace::ring<64> good;
#endif
