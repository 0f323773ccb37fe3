// expect: frys::intrusive_mpsc_queue<Node>: Node must be default-constructible and have a member `Node* next`
#include <frys/queue/intrusive_mpsc_queue.hpp>

#ifdef WRONG
struct node {};
frys::intrusive_mpsc_queue<node> queue;
#else
struct node {
  node* next = nullptr;
};
frys::intrusive_mpsc_queue<node> queue;
#endif
