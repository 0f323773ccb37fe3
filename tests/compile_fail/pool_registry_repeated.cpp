// expect: frys::basic_pool_registry: a policy is given twice; name each at most once
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline frys::basic_pool_registry<frys::policy::pages<frys::heap_pages>, frys::policy::pages<frys::heap_pages>> block;
#else
inline frys::basic_pool_registry<frys::policy::pages<frys::heap_pages>> block;
#endif
