// expect: frys::spsc_ring: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::atomics<int>> block;
#else
frys::spsc_ring<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
