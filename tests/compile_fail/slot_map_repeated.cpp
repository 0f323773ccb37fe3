// expect: frys::slot_map: a policy is given twice; name each at most once
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::chunk_size<4096>, frys::policy::chunk_size<4096>> block;
#else
frys::slot_map<int, frys::policy::chunk_size<4096>> block;
#endif
