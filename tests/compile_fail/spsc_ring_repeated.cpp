// expect: frys::spsc_ring: a policy is given twice; name each at most once
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::spsc_ring<int, frys::policy::capacity<8>> block;
#endif
