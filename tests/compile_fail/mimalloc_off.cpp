// expect: frys/with/mimalloc.hpp: FRYS_WITH_MIMALLOC is 0; set it to 1, or leave this header out
#ifdef FRYS_WITH_MIMALLOC
#undef FRYS_WITH_MIMALLOC
#endif
#define FRYS_WITH_MIMALLOC 0
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
#include <frys/with/mimalloc.hpp>
#endif
