// expect: frys::broadcast_ring: overflow::overwrite takes no policy::stats; a reader has missed() and position(), the ring pushed()
#include <frys/queue/broadcast_ring.hpp>

using counted = frys::policy::stats<frys::stats::counted>;
#ifdef WRONG
frys::broadcast_ring<int, frys::policy::overflow<frys::overflow::overwrite>, counted> block;
#else
frys::broadcast_ring<int, frys::policy::overflow<frys::overflow::fail>, counted> block;
#endif
