// expect: frys::slot_map: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::pages<int>> block;
#else
frys::slot_map<int, frys::policy::pages<frys::heap_pages>> block;
#endif
