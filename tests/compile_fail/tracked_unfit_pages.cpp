// expect: frys::tracked: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::pages<int>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::pages<frys::heap_pages>> block;
#endif
