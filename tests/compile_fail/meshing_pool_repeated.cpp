// expect: frys::meshing_pool: a policy is given twice; name each at most once
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<256, frys::policy::limit<1>, frys::policy::limit<2>> p;
#else
frys::meshing_pool<256> p;
#endif
