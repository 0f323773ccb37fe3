// expect: frys::spsc_ring: policy::niche wants a trivially copyable T of 8 bytes at most
#include <frys/queue/spsc_ring.hpp>
#include <string>

#ifdef WRONG
frys::spsc_ring<std::string, frys::policy::niche<nullptr>> block;
#else
frys::spsc_ring<int, frys::policy::niche<0>> block;
#endif
