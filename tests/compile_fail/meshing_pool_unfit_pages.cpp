// expect: frys::meshing_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<256, frys::policy::pages<int>> p;
#else
frys::meshing_pool<256> p;
#endif
