// expect: frys::hazard_domain: policy::batch must be at least 1
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::batch<0>> block;
#else
frys::hazard_domain<frys::policy::batch<1>> block;
#endif
