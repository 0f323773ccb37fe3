// expect: frys/with/boost_lockfree.hpp: a policy is given twice; name each at most once
#if __has_include(<boost/lockfree/queue.hpp>)
#include <frys/with/boost_lockfree.hpp>

#ifdef WRONG
frys::boost_spsc_queue<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::boost_spsc_queue<int, frys::policy::capacity<8>> block;
#endif
#elif defined(WRONG)
#error "frys/with/boost_lockfree.hpp: a policy is given twice; name each at most once"  // without Boost there is nothing to be refused
#endif
