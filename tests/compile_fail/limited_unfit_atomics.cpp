// expect: frys::limited: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>

#ifdef WRONG
inline frys::limited<frys::arena<>, 100, frys::policy::atomics<int>> block;
#else
inline frys::limited<frys::arena<>, 100, frys::policy::atomics<frys::atomics::real>> block;
#endif
