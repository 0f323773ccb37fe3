// expect: frys::channel<T>: T must be an object type that moves and dies without throwing
#include <frys/sched/channel.hpp>

struct element {
#ifdef WRONG
  element(element&&) {}
#else
  element(element&&) noexcept {}
#endif
};
frys::channel<element> c;
