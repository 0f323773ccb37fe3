// expect: frys::rcu_cell: a policy is given twice; name each at most once
#include <frys/queue/rcu_cell.hpp>

using epochs = frys::policy::reclaimer<frys::epoch_domain<>>;

#ifdef WRONG
frys::rcu_cell<int, epochs, epochs> block;
#else
frys::rcu_cell<int, epochs> block;
#endif
