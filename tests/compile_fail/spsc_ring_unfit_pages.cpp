// expect: frys::spsc_ring: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
using pages = int;
#else
using pages = frys::heap_pages;
#endif
auto ring = frys::spsc_ring<int, frys::policy::capacity<frys::policy::dynamic>, frys::policy::pages<pages>>::make(8);
