// expect: frys::synchronized: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/synchronized.hpp>

#ifdef WRONG
inline frys::synchronized<frys::arena<>, frys::policy::atomics<int>> block;
#else
inline frys::synchronized<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
