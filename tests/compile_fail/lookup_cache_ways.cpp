// expect: frys::lookup_cache: policy::ways must be 1, 2, 4 or 8
#include <frys/queue/lookup_cache.hpp>

#ifdef WRONG
frys::lookup_cache<int, int, frys::policy::ways<3>> block;
#else
frys::lookup_cache<int, int, frys::policy::ways<4>> block;
#endif
