// Boost's queues, where the gate is open.
#ifndef FRYS_TESTS_QUEUE_BOOST_LOCKFREE_HPP
#define FRYS_TESTS_QUEUE_BOOST_LOCKFREE_HPP

#if defined(FRYS_WITH_BOOST_LOCKFREE) && FRYS_WITH_BOOST_LOCKFREE
#include <frys/with/boost_lockfree.hpp>
#endif

#endif  // FRYS_TESTS_QUEUE_BOOST_LOCKFREE_HPP
