// expect: frys::hardened: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::atomics<int>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
