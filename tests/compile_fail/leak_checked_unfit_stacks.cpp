// expect: frys::leak_checked: policy::stacks wants a stack walker, see memory/diagnostics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::stacks<int>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::stacks<frys::stacks::unwind<8>>> block;
#endif
