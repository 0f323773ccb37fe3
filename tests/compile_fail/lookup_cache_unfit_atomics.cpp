// expect: frys::lookup_cache: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/lookup_cache.hpp>

#ifdef WRONG
frys::lookup_cache<int, int, frys::policy::atomics<int>> block;
#else
frys::lookup_cache<int, int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
