// expect: frys::hazard_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::fence<int>> block;
#else
frys::hazard_domain<frys::policy::fence<frys::fences::symmetric>> block;
#endif
