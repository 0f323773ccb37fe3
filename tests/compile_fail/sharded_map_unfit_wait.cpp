// expect: frys::sharded_map: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::wait<int>> block;
#else
frys::sharded_map<int, int, frys::policy::wait<frys::wait::yield>> block;
#endif
