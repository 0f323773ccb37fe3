// expect: frys::seqlock<T>: T must be trivially copyable; for what owns something take rcu_cell
#include <frys/queue/seqlock.hpp>

struct owner {
  owner() = default;
  owner(const owner&) {}
};

#ifdef WRONG
frys::seqlock<owner> block;
#else
frys::seqlock<int> block;
#endif
