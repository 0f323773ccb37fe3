// expect: frys::block_pool<Size>: Size must be between 1 byte and 1 GiB
#include <frys/memory/block_pool.hpp>

#ifdef WRONG
inline frys::block_pool<0> block;
#else
inline frys::block_pool<1> block;
#endif
