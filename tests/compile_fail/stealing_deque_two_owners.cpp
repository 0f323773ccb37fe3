// expect: deleted
#include <frys/queue/stealing_deque.hpp>

void work(frys::stealing_deque<int>& deque) {
  auto owner = deque.owner();
#ifdef WRONG
  auto second = owner;
#else
  auto second = std::move(owner);
#endif
}
