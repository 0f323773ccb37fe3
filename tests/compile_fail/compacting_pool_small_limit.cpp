// expect: frys::compacting_pool: policy::limit leaves no room for one chunk and 16 KiB; name a smaller policy::chunk_size
#include <frys/memory/compacting_pool.hpp>

#ifdef WRONG
frys::compacting_pool<int, frys::policy::limit<65536>> block;
#else
frys::compacting_pool<int, frys::policy::limit<65536>, frys::policy::chunk_size<16384>> block;
#endif
