// expect: frys::spsc_ring: policy::layout wants a layout, see queue/policies.hpp
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::layout<int>> block;
#else
frys::spsc_ring<int, frys::policy::layout<frys::layout::scattered>> block;
#endif
