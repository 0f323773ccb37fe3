// expect: frys::sharded_map: policy::shards must be a power of two, 1 to 4096
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::shards<3>> block;
#else
frys::sharded_map<int, int, frys::policy::shards<4>> block;
#endif
