// expect: frys::epoll_reactor: policy::pages wants a page source, see core/concepts.hpp
#include <frys/io/epoll_reactor.hpp>

#ifdef WRONG
auto bad = frys::epoll_reactor<frys::policy::pages<int>>::create();
#else
auto good = frys::epoll_reactor<frys::policy::pages<frys::heap_pages>>::create();
#endif
