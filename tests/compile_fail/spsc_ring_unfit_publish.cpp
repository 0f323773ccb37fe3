// expect: frys::spsc_ring: policy::publish wants publish::each or publish::lazy, see queue/policies.hpp
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::publish<int>> block;
#else
frys::spsc_ring<int, frys::policy::publish<frys::publish::lazy>> block;
#endif
