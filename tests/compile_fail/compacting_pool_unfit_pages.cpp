// expect: frys::compacting_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/compacting_pool.hpp>

#ifdef WRONG
frys::compacting_pool<int, frys::policy::pages<int>> block;
#else
frys::compacting_pool<int, frys::policy::pages<frys::heap_pages>> block;
#endif
