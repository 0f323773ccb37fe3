// expect: frys::slot_map: unknown policy; it takes policy::handle_bits, policy::capacity, policy::pages, policy::chunk_size, policy::limit and policy::world
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::clock<int>> block;
#else
frys::slot_map<int, frys::policy::chunk_size<4096>> block;
#endif
