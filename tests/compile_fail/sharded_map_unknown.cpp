// expect: frys::sharded_map: unknown policy; it takes policy::reclaimer, policy::shards, policy::hash, policy::wait
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::clock<int>> block;
#else
frys::sharded_map<int, int> block;
#endif
