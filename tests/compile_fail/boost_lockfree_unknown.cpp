// expect: frys/with/boost_lockfree.hpp: unknown policy; these queues take policy::capacity, policy::atomics and policy::world
#if __has_include(<boost/lockfree/queue.hpp>)
#include <frys/with/boost_lockfree.hpp>

#ifdef WRONG
frys::boost_queue<int, frys::policy::clock<int>> block;
#else
frys::boost_queue<int> block;
#endif
#elif defined(WRONG)
#error "frys/with/boost_lockfree.hpp: unknown policy; these queues take policy::capacity, policy::atomics and policy::world"  // without Boost there is nothing to be refused
#endif
