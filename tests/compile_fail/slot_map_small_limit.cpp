// expect: frys::slot_map: policy::limit leaves no room for one chunk and a page; name a smaller policy::chunk_size
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::limit<16384>> block;
#else
frys::slot_map<int, frys::policy::limit<16384>, frys::policy::chunk_size<8192>> block;
#endif
