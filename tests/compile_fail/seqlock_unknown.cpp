// expect: frys::seqlock: unknown policy; it takes policy::atomics and policy::world
#include <frys/queue/seqlock.hpp>

#ifdef WRONG
frys::seqlock<int, frys::policy::capacity<8>> block;
#else
frys::seqlock<int> block;
#endif
