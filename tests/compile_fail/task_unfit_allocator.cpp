// expect: frys::task: the parameter behind std::allocator_arg_t must be a reference to a raw_allocator, see
// core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/sched/task.hpp>

#ifdef WRONG
frys::task<int> one(std::allocator_arg_t, int&) { co_return 1; }
#else
frys::task<int> one(std::allocator_arg_t, frys::arena<>&) { co_return 1; }
#endif
