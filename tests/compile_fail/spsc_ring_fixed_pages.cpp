// expect: frys::spsc_ring: policy::pages is for policy::capacity<policy::dynamic>; other rings have their slots in the object
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::pages<frys::heap_pages>> ring;
#else
frys::spsc_ring<int> ring;
#endif
