// expect: frys::relaxed_priority_queue: policy::order wants a model that ranks T, see queue/order.hpp
#include <frys/queue/relaxed_priority_queue.hpp>

struct item {
  int level;
};
#ifdef WRONG
frys::relaxed_priority_queue<item> block;
#else
frys::relaxed_priority_queue<item, frys::policy::order<frys::order::by<&item::level>>> block;
#endif
