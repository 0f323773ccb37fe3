// expect: frys::meshing_pool: policy::chunk_size must be a multiple of 4096 bytes, from 64 KiB to 1 TiB
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<256, frys::policy::chunk_size<5000>> p;
#else
frys::meshing_pool<256> p;
#endif
