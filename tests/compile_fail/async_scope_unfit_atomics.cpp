// expect: frys::basic_async_scope: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/async_scope.hpp>

#ifdef WRONG
frys::basic_async_scope<frys::policy::atomics<int>> made;
#else
frys::basic_async_scope<frys::policy::atomics<frys::atomics::real>> made;
#endif
