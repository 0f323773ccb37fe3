// expect: frys::policy::independent_readers: there are 1 to 64 readers
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::independent_readers<65>> block;
#else
frys::broadcast_ring<int, frys::policy::independent_readers<64>> block;
#endif
