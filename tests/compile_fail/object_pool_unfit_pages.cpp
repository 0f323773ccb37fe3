// expect: frys::object_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/object_pool.hpp>

#ifdef WRONG
frys::object_pool<int, frys::policy::pages<int>> block;
#else
frys::object_pool<int, frys::policy::pages<frys::heap_pages>> block;
#endif
