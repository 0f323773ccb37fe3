// expect: frys::rcu_cell<T>: T must be an object type, not const and no array, that dies without throwing
#include <frys/queue/rcu_cell.hpp>

#ifdef WRONG
frys::rcu_cell<const int> block;
#else
frys::rcu_cell<int> block;
#endif
