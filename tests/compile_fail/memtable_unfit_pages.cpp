// expect: frys::memtable: policy::pages wants a page source, see core/concepts.hpp
#include <frys/storage/memtable.hpp>

#ifdef WRONG
frys::memtable<int, frys::policy::pages<int>> table;
#else
frys::memtable<int, frys::policy::pages<frys::heap_pages>> table;
#endif
