// expect: frys::hazard_domain: policy::capacity must leave a seat
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::capacity<0>> block;
#else
frys::hazard_domain<frys::policy::capacity<1>> block;
#endif
