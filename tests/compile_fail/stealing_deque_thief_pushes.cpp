// expect: no member named 'try_push'
#include <frys/queue/stealing_deque.hpp>

void work(frys::stealing_deque<int>& deque) {
#ifdef WRONG
  (void)deque.thief().try_push(1);
#else
  (void)deque.owner().try_push(1);
#endif
}
