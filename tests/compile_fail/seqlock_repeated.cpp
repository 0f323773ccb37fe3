// expect: frys::seqlock: a policy is given twice; name each at most once
#include <frys/queue/seqlock.hpp>

#ifdef WRONG
frys::seqlock<int, frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> block;
#else
frys::seqlock<int, frys::policy::atomics<frys::atomics::real>> block;
#endif
