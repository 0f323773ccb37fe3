// expect: frys::basic_pool_registry: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline frys::basic_pool_registry<frys::policy::pages<int>> block;
#else
inline frys::basic_pool_registry<frys::policy::pages<frys::heap_pages>> block;
#endif
