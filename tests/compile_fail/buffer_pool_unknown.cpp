// expect: frys::buffer_pool: unknown policy; it takes policy::atomics, policy::pages and policy::world
#include <frys/memory/buffer_pool.hpp>

#ifdef WRONG
frys::buffer_pool<frys::policy::clock<int>> block(64);
#else
frys::buffer_pool<frys::policy::pages<frys::heap_pages>> block(64);
#endif
