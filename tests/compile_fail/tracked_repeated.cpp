// expect: frys::tracked: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::tags<4>, frys::policy::tags<4>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::tags<4>> block;
#endif
