// expect: frys::epoll_reactor: policy::clock wants a type with a static now() in nanoseconds
#include <frys/io/epoll_reactor.hpp>

#ifdef WRONG
auto bad = frys::epoll_reactor<frys::policy::clock<int>>::create();
#else
auto good = frys::epoll_reactor<frys::policy::clock<frys::clocks::coarse>>::create();
#endif
