// expect: frys::synchronized: unknown policy; it takes policy::atomics and policy::world
#include <frys/memory/arena.hpp>
#include <frys/memory/synchronized.hpp>

#ifdef WRONG
inline frys::synchronized<frys::arena<>, frys::policy::clock<int>> block;
#else
inline frys::synchronized<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
