// expect: frys::policy::readers: two readers have the same name
#include <frys/queue/broadcast_ring.hpp>

struct first {};
struct second {};

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::readers<frys::reads<first>, frys::reads<first>>> block;
#else
frys::broadcast_ring<int, frys::policy::readers<frys::reads<first>, frys::reads<second>>> block;
#endif
