// expect: frys::sharded_map: a policy is given twice; name each at most once
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::shards<2>, frys::policy::shards<2>> block;
#else
frys::sharded_map<int, int, frys::policy::shards<2>> block;
#endif
