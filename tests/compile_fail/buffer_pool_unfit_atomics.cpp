// expect: frys::buffer_pool: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/buffer_pool.hpp>

#ifdef WRONG
frys::buffer_pool<frys::policy::atomics<int>> block(64);
#else
frys::buffer_pool<frys::policy::atomics<frys::atomics::tsan>> block(64);
#endif
