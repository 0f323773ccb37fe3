// expect: frys::stealing_deque: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::pages<int>> block;
#else
frys::stealing_deque<int, frys::policy::pages<frys::heap_pages>> block;
#endif
