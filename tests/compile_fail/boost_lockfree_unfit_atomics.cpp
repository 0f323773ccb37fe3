// expect: frys/with/boost_lockfree.hpp: policy::atomics wants an atomics model, see core/atomics.hpp
#if __has_include(<boost/lockfree/queue.hpp>)
#include <frys/with/boost_lockfree.hpp>

#ifdef WRONG
frys::boost_stack<int, frys::policy::atomics<int>> block;
#else
frys::boost_stack<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
#elif defined(WRONG)
#error "frys/with/boost_lockfree.hpp: policy::atomics wants an atomics model, see core/atomics.hpp"  // without Boost there is nothing to be refused
#endif
