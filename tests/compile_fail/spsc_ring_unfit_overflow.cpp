// expect: frys::spsc_ring: policy::overflow wants overflow::fail or overflow::overwrite
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::overflow<int>> ring;
#else
frys::spsc_ring<int, frys::policy::overflow<frys::overflow::fail>> ring;
#endif
