// expect: frys::relaxed_priority_queue: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::pages<int>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::pages<frys::heap_pages>> block;
#endif
