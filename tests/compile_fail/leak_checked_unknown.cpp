// expect: frys::leak_checked: unknown policy; it takes policy::atomics, policy::stacks, policy::report_to, policy::pages and policy::world
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::clock<int>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::stacks<frys::stacks::none>> block;
#endif
