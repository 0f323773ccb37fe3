// expect: frys::qsbr_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch,
// policy::counter, policy::pages, policy::atomics and policy::world
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::clock<int>> block;
#else
frys::qsbr_domain<> block;
#endif
