// expect: frys::tracked: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::atomics<int>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::atomics<frys::atomics::real>> block;
#endif
