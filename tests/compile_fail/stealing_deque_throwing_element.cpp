// expect: frys::stealing_deque<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/stealing_deque.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::stealing_deque<element<false>> block;
#else
frys::stealing_deque<element<true>> block;
#endif
