// expect: frys::hardened: unknown policy; it takes policy::on_violation, policy::quarantine, policy::atomics, policy::pages and policy::world
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::clock<int>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::quarantine<4>> block;
#endif
