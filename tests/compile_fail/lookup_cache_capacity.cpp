// expect: frys::lookup_cache: policy::capacity must be a power of two, at least policy::ways
#include <frys/queue/lookup_cache.hpp>

#ifdef WRONG
frys::lookup_cache<int, int, frys::policy::capacity<4>> block;
#else
frys::lookup_cache<int, int, frys::policy::capacity<4>, frys::policy::ways<4>> block;
#endif
