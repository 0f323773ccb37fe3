// expect: frys::epoch_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch, policy::fence,
// policy::counter, policy::pages, policy::atomics and policy::world
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::clock<int>> block;
#else
frys::epoch_domain<> block;
#endif
