// expect: frys::bag: policy::limit must leave room for two blocks; name a larger one
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::capacity<16>, frys::policy::limit<frys::bag<int, frys::policy::capacity<16>>::block_bytes>> block;
#else
frys::bag<int, frys::policy::capacity<16>, frys::policy::limit<2 * frys::bag<int, frys::policy::capacity<16>>::block_bytes>> block;
#endif
