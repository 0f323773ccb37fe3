// expect: frys::hazard_domain: a policy is given twice; name each at most once
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::real>> block;
#else
frys::hazard_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
