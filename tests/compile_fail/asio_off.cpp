// expect: frys/with/asio.hpp: FRYS_WITH_ASIO is 0; set it to 1, or leave this header out
#ifdef FRYS_WITH_ASIO
#undef FRYS_WITH_ASIO
#endif
#define FRYS_WITH_ASIO 0
#include <frys/sched/task.hpp>

#ifdef WRONG
#include <frys/with/asio.hpp>
#endif
