// expect: frys::leak_checked: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::pages<int>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::pages<frys::heap_pages>> block;
#endif
