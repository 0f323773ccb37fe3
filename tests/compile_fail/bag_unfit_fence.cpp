// expect: frys::bag: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::fence<int>> block;
#else
frys::bag<int, frys::policy::fence<frys::fences::symmetric>> block;
#endif
