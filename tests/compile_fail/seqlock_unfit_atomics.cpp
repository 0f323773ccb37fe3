// expect: frys::seqlock: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/seqlock.hpp>

#ifdef WRONG
frys::seqlock<int, frys::policy::atomics<int>> block;
#else
frys::seqlock<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
