// expect: frys::tracked: unknown policy; it takes policy::atomics, policy::tags, policy::sample_every, policy::stacks, policy::random, policy::pages and policy::world
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::clock<int>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::tags<4>> block;
#endif
