// expect: frys::spsc_ring: policy::capacity<policy::dynamic> goes without policy::niche and layout::scattered
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
using niche = frys::policy::niche<0>;
#else
using niche = frys::policy::publish<frys::publish::lazy>;
#endif
auto ring = frys::spsc_ring<int, frys::policy::capacity<frys::policy::dynamic>, niche>::make(8);
