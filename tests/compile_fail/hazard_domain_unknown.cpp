// expect: frys::hazard_domain: unknown policy; it takes policy::capacity, policy::hazards, policy::batch,
// policy::fence, policy::pages, policy::atomics and policy::world
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::clock<int>> block;
#else
frys::hazard_domain<> block;
#endif
