// expect: frys::block_pool: a policy is given twice; name each at most once
#include <frys/memory/block_pool.hpp>

#ifdef WRONG
inline frys::block_pool<64, frys::policy::limit<1>, frys::policy::limit<1>> block;
#else
inline frys::block_pool<64, frys::policy::limit<1>> block;
#endif
