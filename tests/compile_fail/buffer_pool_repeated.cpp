// expect: frys::buffer_pool: a policy is given twice; name each at most once
#include <frys/memory/buffer_pool.hpp>

#ifdef WRONG
frys::buffer_pool<frys::policy::pages<frys::heap_pages>, frys::policy::pages<frys::heap_pages>> block(64);
#else
frys::buffer_pool<frys::policy::pages<frys::heap_pages>> block(64);
#endif
