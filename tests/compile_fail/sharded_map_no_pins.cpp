// expect: frys::sharded_map: policy::reclaimer wants a domain with pins: a look touches several objects
#include <frys/memory/hazard_domain.hpp>
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::reclaimer<frys::hazard_domain<>>> block;
#else
frys::sharded_map<int, int, frys::policy::reclaimer<frys::epoch_domain<>>> block;
#endif
