// expect: frys::policy::readers: a reader follows one that does not stand before it
#include <frys/queue/broadcast_ring.hpp>

struct first {};
struct second {};

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::readers<frys::reads<first, second>, frys::reads<second, first>>> block;
#else
frys::broadcast_ring<int, frys::policy::readers<frys::reads<first>, frys::reads<second, first>>> block;
#endif
