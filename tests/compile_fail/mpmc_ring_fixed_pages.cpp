// expect: frys::mpmc_ring: policy::pages is for policy::capacity<policy::dynamic>; other rings have their slots in the object
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::pages<frys::heap_pages>> block;
#else
frys::mpmc_ring<int> block;
#endif
