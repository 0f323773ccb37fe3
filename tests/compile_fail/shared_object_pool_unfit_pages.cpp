// expect: frys::shared_object_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::pages<int>> block;
#else
frys::shared_object_pool<int, frys::policy::pages<frys::heap_pages>> block;
#endif
