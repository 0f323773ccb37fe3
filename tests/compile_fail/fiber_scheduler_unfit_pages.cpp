// expect: frys::fiber_scheduler: policy::pages wants a page source, see core/concepts.hpp
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::pages<int>> bad;
#else
frys::fiber_scheduler<frys::policy::pages<frys::heap_pages>> good;
#endif
