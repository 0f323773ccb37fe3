// expect: frys::hazard_domain: policy::hazards must leave a guard
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::hazards<0>> block;
#else
frys::hazard_domain<frys::policy::hazards<1>> block;
#endif
