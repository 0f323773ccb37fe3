// expect: frys::heap: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<frys::policy::pages<int>> block;
#else
frys::heap<frys::policy::pages<frys::heap_pages>> block;
#endif
