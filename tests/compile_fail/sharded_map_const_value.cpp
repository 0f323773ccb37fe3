// expect: frys::sharded_map<Key, Value>: both must be object types, not const
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, const int> block;
#else
frys::sharded_map<int, int> block;
#endif
