// expect: frys::tracked: policy::tags counts at most 4096 tags
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::tags<5000>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::tags<50>> block;
#endif
