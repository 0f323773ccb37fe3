// expect: frys::spsc_ring<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/spsc_ring.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::spsc_ring<element<false>> queue;
#else
frys::spsc_ring<element<true>> queue;
#endif
