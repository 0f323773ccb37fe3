// expect: frys::shared_ring<Ring>: the element must be trivially copyable and no pointer, since it goes to another process
#include <frys/queue/shared_ring.hpp>
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
using element = int*;
#else
using element = int;
#endif
auto ring = frys::shared_ring<frys::spsc_ring<element>>::attach({});
