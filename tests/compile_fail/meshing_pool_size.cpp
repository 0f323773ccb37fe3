// expect: frys::meshing_pool<Size>: Size must be between 64 bytes and half a page (2048)
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<4096> p;
#else
frys::meshing_pool<256> p;
#endif
