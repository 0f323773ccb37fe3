// expect: frys::flat_index: policy::pages wants a page source with allocate and release, see core/concepts.hpp
#include <frys/search/flat_index.hpp>

#ifdef WRONG
frys::flat_index<frys::metrics::l2, frys::policy::pages<int>> bad(3);
#else
frys::flat_index<frys::metrics::l2, frys::policy::pages<frys::heap_pages>> good(3);
#endif
