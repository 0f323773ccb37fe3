// expect: frys::segment_queue<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/segment_queue.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::segment_queue<element<false>> queue;
#else
frys::segment_queue<element<true>> queue;
#endif
