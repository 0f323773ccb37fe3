// expect: frys::compacting_pool: a policy is given twice; name each at most once
#include <frys/memory/compacting_pool.hpp>

#ifdef WRONG
frys::compacting_pool<int, frys::policy::chunk_size<4096>, frys::policy::chunk_size<4096>> block;
#else
frys::compacting_pool<int, frys::policy::chunk_size<4096>> block;
#endif
