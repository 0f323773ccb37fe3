// expect: frys::meshing_pool: unknown policy
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<256, int> p;
#else
frys::meshing_pool<256> p;
#endif
