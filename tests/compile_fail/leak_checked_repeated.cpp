// expect: frys::leak_checked: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::stacks<frys::stacks::none>, frys::policy::stacks<frys::stacks::none>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::stacks<frys::stacks::none>> block;
#endif
