// expect: frys::memtable: unknown policy; it takes policy::pages, policy::limit and policy::world
#include <frys/core/clock.hpp>
#include <frys/storage/memtable.hpp>

#ifdef WRONG
frys::memtable<int, frys::policy::clock<frys::clocks::steady>> table;
#else
frys::memtable<int, frys::policy::limit<1048576>> table;
#endif
