// expect: frys::intrusive_mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/intrusive_mpsc_queue.hpp>

#ifdef WRONG
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::atomics<int>> block;
#else
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
