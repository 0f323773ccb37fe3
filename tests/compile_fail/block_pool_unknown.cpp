// expect: frys::block_pool: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit and policy::world
#include <frys/memory/block_pool.hpp>

#ifdef WRONG
inline frys::block_pool<64, frys::policy::clock<int>> block;
#else
inline frys::block_pool<64, frys::policy::limit<4096>> block;
#endif
