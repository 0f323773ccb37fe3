// expect: frys::fiber_scheduler: policy::stack_switch wants a model of the switch, see core/context.hpp
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::stack_switch<int>> bad;
#else
frys::fiber_scheduler<frys::policy::stack_switch<frys::ucontext_switch>> good;
#endif
