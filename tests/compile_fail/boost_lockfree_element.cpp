// expect: frys/with/boost_lockfree.hpp: boost_queue and boost_stack take a trivially copyable T with a default constructor, as Boost does
#if __has_include(<boost/lockfree/queue.hpp>)
#include <frys/with/boost_lockfree.hpp>

#include <string>

#ifdef WRONG
frys::boost_queue<std::string> block;
#else
frys::boost_queue<double> block;
#endif
#elif defined(WRONG)
#error "frys/with/boost_lockfree.hpp: boost_queue and boost_stack take a trivially copyable T with a default constructor, as Boost does"  // without Boost there is nothing to be refused
#endif
