// expect: frys::block_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/block_pool.hpp>

#ifdef WRONG
inline frys::block_pool<64, frys::policy::pages<int>> block;
#else
inline frys::block_pool<64, frys::policy::pages<frys::heap_pages>> block;
#endif
