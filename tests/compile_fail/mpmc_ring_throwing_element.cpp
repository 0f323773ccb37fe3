// expect: frys::mpmc_ring<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/mpmc_ring.hpp>

template <bool Nothrow>
struct element {
  element() = default;
  element(element&&) noexcept(Nothrow) {}
};

#ifdef WRONG
frys::mpmc_ring<element<false>> queue;
#else
frys::mpmc_ring<element<true>> queue;
#endif
