// expect: frys::lookup_cache: unknown policy; it takes policy::capacity, policy::ways, policy::hash
#include <frys/queue/lookup_cache.hpp>

#ifdef WRONG
frys::lookup_cache<int, int, frys::policy::clock<int>> block;
#else
frys::lookup_cache<int, int> block;
#endif
