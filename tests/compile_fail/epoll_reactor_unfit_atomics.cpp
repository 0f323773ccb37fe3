// expect: frys::epoll_reactor: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/io/epoll_reactor.hpp>

#ifdef WRONG
auto bad = frys::epoll_reactor<frys::policy::atomics<int>>::create();
#else
auto good = frys::epoll_reactor<frys::policy::atomics<frys::atomics::tsan>>::create();
#endif
