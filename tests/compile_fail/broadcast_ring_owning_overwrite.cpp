// expect: frys::broadcast_ring<T>: with overflow::overwrite T must be trivially copyable
#include <frys/queue/broadcast_ring.hpp>

#include <memory>

using lossy = frys::policy::overflow<frys::overflow::overwrite>;

#ifdef WRONG
frys::broadcast_ring<std::unique_ptr<int>, lossy> block;
#else
frys::broadcast_ring<int, lossy> block;
#endif
