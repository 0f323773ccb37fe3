// expect: frys::basic_async_scope: a policy is given twice; name each at most once
#include <frys/sched/async_scope.hpp>

#ifdef WRONG
frys::basic_async_scope<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> made;
#else
frys::basic_async_scope<frys::policy::atomics<frys::atomics::real>> made;
#endif
