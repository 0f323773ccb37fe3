// expect: frys::memtable: a policy is given twice; name each at most once
#include <frys/storage/memtable.hpp>

#ifdef WRONG
frys::memtable<int, frys::policy::limit<1048576>, frys::policy::limit<4096>> table;
#else
frys::memtable<int, frys::policy::limit<1048576>> table;
#endif
