// expect: frys::concurrent_arena: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::pages<int>> block;
#else
frys::concurrent_arena<frys::policy::pages<frys::heap_pages>> block;
#endif
