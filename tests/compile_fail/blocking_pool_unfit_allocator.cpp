// expect: frys::blocking_pool: policy::allocator wants a stateless allocator, see core/concepts.hpp
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::allocator<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::allocator<frys::process_heap>>;
good* of() { return (*good::create()).release(); }
#endif
