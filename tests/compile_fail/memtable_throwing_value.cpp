// expect: frys::memtable<Value>: Value must move and die without throwing
#include <frys/storage/memtable.hpp>

struct throwing {
  throwing() = default;
  throwing(throwing&&) noexcept(false) {}
};

#ifdef WRONG
frys::memtable<throwing> table;
#else
frys::memtable<int> table;
#endif
