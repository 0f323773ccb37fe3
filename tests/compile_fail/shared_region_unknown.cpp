// expect: frys::shared_region: unknown policy; it takes policy::mapping, policy::atomics, policy::pages and policy::world
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
auto region = frys::shared_region<frys::policy::clock<int>>::attach({});
#else
auto region = frys::shared_region<>::attach({});
#endif
