// expect: frys::basic_async_scope: policy::failure wants failures::stop_rest, failures::run_on or a type with their
// member stops_rest
#include <frys/sched/async_scope.hpp>

#ifdef WRONG
frys::basic_async_scope<frys::policy::failure<int>> made;
#else
frys::basic_async_scope<frys::policy::failure<frys::failures::run_on>> made;
#endif
