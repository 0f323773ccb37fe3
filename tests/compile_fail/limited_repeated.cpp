// expect: frys::limited: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>

#ifdef WRONG
inline frys::limited<frys::arena<>, 100, frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> block;
#else
inline frys::limited<frys::arena<>, 100, frys::policy::atomics<frys::atomics::real>> block;
#endif
