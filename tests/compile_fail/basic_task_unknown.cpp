// expect: frys::basic_task: unknown policy; it takes policy::allocator and policy::world
#include <frys/sched/task.hpp>

#ifdef WRONG
frys::basic_task<int, frys::policy::chunk_size<8>> made;
#else
frys::basic_task<int> made;
#endif
