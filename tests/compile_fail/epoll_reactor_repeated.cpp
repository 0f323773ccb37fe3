// expect: frys::epoll_reactor: a policy is given twice; name each at most once
#include <frys/io/epoll_reactor.hpp>

#ifdef WRONG
auto bad = frys::epoll_reactor<frys::policy::pages<frys::os_pages>, frys::policy::pages<frys::heap_pages>>::create();
#else
auto good = frys::epoll_reactor<frys::policy::pages<frys::heap_pages>>::create();
#endif
