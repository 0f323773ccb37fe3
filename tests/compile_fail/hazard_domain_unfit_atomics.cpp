// expect: frys::hazard_domain: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::atomics<int>> block;
#else
frys::hazard_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
