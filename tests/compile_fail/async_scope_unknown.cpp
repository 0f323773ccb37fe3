// expect: frys::basic_async_scope: unknown policy; it takes policy::failure, policy::atomics and policy::world
#include <frys/sched/async_scope.hpp>

#ifdef WRONG
frys::basic_async_scope<frys::policy::chunk_size<8>> made;
#else
frys::basic_async_scope<frys::policy::atomics<frys::atomics::real>> made;
#endif
