// expect: frys::rcu_cell: unknown policy; it takes policy::reclaimer and policy::world
#include <frys/queue/rcu_cell.hpp>

#ifdef WRONG
frys::rcu_cell<int, frys::policy::capacity<8>> block;
#else
frys::rcu_cell<int> block;
#endif
