// expect: frys::arena: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::pages<int>> block;
#else
frys::arena<frys::policy::pages<frys::heap_pages>> block;
#endif
