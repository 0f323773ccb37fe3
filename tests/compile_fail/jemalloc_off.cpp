// expect: frys/with/jemalloc.hpp: FRYS_WITH_JEMALLOC is 0; set it to 1, or leave this header out
#ifdef FRYS_WITH_JEMALLOC
#undef FRYS_WITH_JEMALLOC
#endif
#define FRYS_WITH_JEMALLOC 0
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
#include <frys/with/jemalloc.hpp>
#endif
