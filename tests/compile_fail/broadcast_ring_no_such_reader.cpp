// expect: frys::broadcast_ring::reader: no reader of this ring has that name
#include <frys/queue/broadcast_ring.hpp>

struct first {};
struct second {};

frys::broadcast_ring<int, frys::policy::readers<frys::reads<first>>> block;
#ifdef WRONG
auto reader = block.reader<second>();
#else
auto reader = block.reader<first>();
#endif
