// expect: frys::lookup_cache: a policy is given twice; name each at most once
#include <frys/queue/lookup_cache.hpp>

#ifdef WRONG
frys::lookup_cache<int, int, frys::policy::ways<2>, frys::policy::ways<2>> block;
#else
frys::lookup_cache<int, int, frys::policy::ways<2>> block;
#endif
