// expect: frys::basic_task: policy::allocator wants a stateless_allocator, see core/concepts.hpp; one that is an object
// goes among the parameters, behind std::allocator_arg_t
#include <frys/memory/arena.hpp>
#include <frys/memory/process_heap.hpp>
#include <frys/sched/task.hpp>

#ifdef WRONG
frys::basic_task<int, frys::policy::allocator<frys::arena<>>> made;
#else
frys::basic_task<int, frys::policy::allocator<frys::process_heap>> made;
#endif
