// expect: frys/with/boost_lockfree.hpp: FRYS_WITH_BOOST_LOCKFREE is 0; set it to 1, or leave this header out
#ifdef FRYS_WITH_BOOST_LOCKFREE
#undef FRYS_WITH_BOOST_LOCKFREE
#endif
#define FRYS_WITH_BOOST_LOCKFREE 0
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
#include <frys/with/boost_lockfree.hpp>
#endif
