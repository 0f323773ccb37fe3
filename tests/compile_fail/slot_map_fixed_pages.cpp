// expect: frys::slot_map: policy::capacity puts the slots into the object; it goes without policy::pages, policy::chunk_size and policy::limit
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::capacity<8>, frys::policy::pages<frys::heap_pages>> block;
#else
frys::slot_map<int, frys::policy::capacity<8>> block;
#endif
