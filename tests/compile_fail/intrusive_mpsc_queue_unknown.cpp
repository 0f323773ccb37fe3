// expect: frys::intrusive_mpsc_queue: unknown policy; it takes policy::atomics and policy::world
#include <frys/queue/intrusive_mpsc_queue.hpp>

#ifdef WRONG
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::clock<int>> block;
#else
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::atomics<frys::atomics::real>> block;
#endif
