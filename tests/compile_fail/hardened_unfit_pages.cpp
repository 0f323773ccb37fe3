// expect: frys::hardened: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::pages<int>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::pages<frys::heap_pages>> block;
#endif
