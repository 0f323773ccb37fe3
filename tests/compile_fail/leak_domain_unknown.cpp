// expect: frys::leak_domain: unknown policy; it takes policy::atomics and policy::world
#include <frys/memory/leak_domain.hpp>

#ifdef WRONG
frys::leak_domain<frys::policy::clock<int>> block;
#else
frys::leak_domain<> block;
#endif
