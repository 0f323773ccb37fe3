// expect: frys::sharded_map: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/sharded_map.hpp>

#ifdef WRONG
frys::sharded_map<int, int, frys::policy::pages<int>> block;
#else
frys::sharded_map<int, int, frys::policy::pages<frys::os_pages>> block;
#endif
