// expect: frys::synchronized: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>
#include <frys/memory/synchronized.hpp>

#ifdef WRONG
inline frys::synchronized<frys::arena<>, frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> block;
#else
inline frys::synchronized<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
