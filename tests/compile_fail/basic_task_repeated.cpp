// expect: frys::basic_task: a policy is given twice; name each at most once
#include <frys/memory/process_heap.hpp>
#include <frys/sched/task.hpp>

#ifdef WRONG
frys::basic_task<int, frys::policy::allocator<frys::process_heap>, frys::policy::allocator<frys::process_heap>> made;
#else
frys::basic_task<int, frys::policy::allocator<frys::process_heap>> made;
#endif
