// expect: frys::spsc_ring<T>: with overflow::overwrite T must be trivially copyable, because the consumer may find its value half overwritten
#include <frys/queue/spsc_ring.hpp>

#include <memory>

#ifdef WRONG
frys::spsc_ring<std::unique_ptr<int>, frys::policy::overflow<frys::overflow::overwrite>> ring;
#else
frys::spsc_ring<int, frys::policy::overflow<frys::overflow::overwrite>> ring;
#endif
