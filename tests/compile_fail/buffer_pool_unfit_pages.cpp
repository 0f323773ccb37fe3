// expect: frys::buffer_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/buffer_pool.hpp>

#ifdef WRONG
frys::buffer_pool<frys::policy::pages<int>> block(64);
#else
frys::buffer_pool<frys::policy::pages<frys::heap_pages>> block(64);
#endif
