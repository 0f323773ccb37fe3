// expect: frys::broadcast_ring: overflow::overwrite waits for no reader, so it takes no policy::readers
#include <frys/queue/broadcast_ring.hpp>

using lossy = frys::policy::overflow<frys::overflow::overwrite>;

#ifdef WRONG
frys::broadcast_ring<int, lossy, frys::policy::independent_readers<2>> block;
#else
frys::broadcast_ring<int, lossy> block;
#endif
