// expect: frys::rcu_cell: policy::reclaimer wants a reclamation domain, see memory/reclaim.hpp
#include <frys/queue/rcu_cell.hpp>

#ifdef WRONG
frys::rcu_cell<int, frys::policy::reclaimer<int>> block;
#else
frys::rcu_cell<int, frys::policy::reclaimer<frys::epoch_domain<>>> block;
#endif
