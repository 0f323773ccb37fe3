// expect: frys::broadcast_ring: a policy is given twice; name each at most once
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::broadcast_ring<int, frys::policy::capacity<8>> block;
#endif
