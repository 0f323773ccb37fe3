// expect: frys::basic_pool_registry: unknown policy; it takes policy::atomics, policy::pages and policy::world
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline frys::basic_pool_registry<frys::policy::clock<int>> block;
#else
inline frys::basic_pool_registry<frys::policy::pages<frys::heap_pages>> block;
#endif
