// expect: frys::epoll_reactor: unknown policy
#include <frys/io/epoll_reactor.hpp>

#ifdef WRONG
auto bad = frys::epoll_reactor<int>::create();
#else
auto good = frys::epoll_reactor<>::create();
#endif
