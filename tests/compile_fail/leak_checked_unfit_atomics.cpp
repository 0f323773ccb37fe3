// expect: frys::leak_checked: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::atomics<int>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
