// expect: frys::broadcast_ring<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/broadcast_ring.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::broadcast_ring<element<false>> block;
#else
frys::broadcast_ring<element<true>> block;
#endif
