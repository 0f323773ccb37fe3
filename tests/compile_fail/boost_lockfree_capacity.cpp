// expect: frys/with/boost_lockfree.hpp: policy::capacity of boost_queue and boost_stack is at most 65534
#if __has_include(<boost/lockfree/queue.hpp>)
#include <frys/with/boost_lockfree.hpp>

#ifdef WRONG
frys::boost_stack<int, frys::policy::capacity<70000>> block;
#else
frys::boost_stack<int, frys::policy::capacity<1000>> block;
#endif
#elif defined(WRONG)
#error "frys/with/boost_lockfree.hpp: policy::capacity of boost_queue and boost_stack is at most 65534"  // without Boost there is nothing to be refused
#endif
