// expect: frys::broadcast_ring: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::atomics<int>> block;
#else
frys::broadcast_ring<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
