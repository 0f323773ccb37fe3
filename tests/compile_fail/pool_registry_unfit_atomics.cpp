// expect: frys::basic_pool_registry: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline frys::basic_pool_registry<frys::policy::atomics<int>> block;
#else
inline frys::basic_pool_registry<frys::policy::atomics<frys::atomics::real>> block;
#endif
