// expect: frys::policy::readers: name each reader as reads<Name, After...>
#include <frys/queue/broadcast_ring.hpp>

struct first {};
struct second {};

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::readers<first>> block;
#else
frys::broadcast_ring<int, frys::policy::readers<frys::reads<first>>> block;
#endif
