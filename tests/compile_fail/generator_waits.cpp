// expect: await_transform || attempt to use a deleted function
#include <frys/sched/generator.hpp>

#ifdef WRONG
frys::generator<int> body() { co_await std::suspend_always(); }
#else
frys::async_generator<int> body() { co_await std::suspend_always(); }
#endif
