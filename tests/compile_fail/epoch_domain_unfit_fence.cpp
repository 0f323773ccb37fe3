// expect: frys::epoch_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::fence<int>> block;
#else
frys::epoch_domain<frys::policy::fence<frys::fences::symmetric>> block;
#endif
