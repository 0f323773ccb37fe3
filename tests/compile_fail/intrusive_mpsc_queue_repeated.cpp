// expect: frys::intrusive_mpsc_queue: a policy is given twice; name each at most once
#include <frys/queue/intrusive_mpsc_queue.hpp>

#ifdef WRONG
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>>
    block;
#else
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::atomics<frys::atomics::real>> block;
#endif
