// expect: frys::sharded_map: policy::reclaimer wants a reclamation domain, see memory/reclaim.hpp
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::reclaimer<int>> block;
#else
frys::sharded_map<int, int, frys::policy::reclaimer<frys::epoch_domain<>>> block;
#endif
