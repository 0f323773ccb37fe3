// expect: frys::spsc_ring: policy::capacity must be a power of two
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::capacity<100>> ring;
#else
frys::spsc_ring<int, frys::policy::capacity<128>> ring;
#endif
