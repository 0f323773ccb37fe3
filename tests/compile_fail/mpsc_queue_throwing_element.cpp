// expect: frys::mpsc_queue<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/mpsc_queue.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::mpsc_queue<element<false>> queue;
#else
frys::mpsc_queue<element<true>> queue;
#endif
