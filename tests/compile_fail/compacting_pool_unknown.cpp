// expect: frys::compacting_pool: unknown policy; it takes policy::handle_bits, policy::pages, policy::chunk_size, policy::limit and policy::world
#include <frys/memory/compacting_pool.hpp>

#ifdef WRONG
frys::compacting_pool<int, frys::policy::clock<int>> block;
#else
frys::compacting_pool<int, frys::policy::chunk_size<4096>> block;
#endif
