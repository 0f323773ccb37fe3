// expect: frys::limited: unknown policy; it takes policy::atomics and policy::world
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>

#ifdef WRONG
inline frys::limited<frys::arena<>, 100, frys::policy::clock<int>> block;
#else
inline frys::limited<frys::arena<>, 100, frys::policy::atomics<frys::atomics::real>> block;
#endif
