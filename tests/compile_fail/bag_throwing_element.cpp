// expect: frys::bag<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/bag.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::bag<element<false>> queue;
#else
frys::bag<element<true>> queue;
#endif
