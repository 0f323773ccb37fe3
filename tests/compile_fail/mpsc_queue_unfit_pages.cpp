// expect: frys::mpsc_queue: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::pages<int>> block;
#else
frys::mpsc_queue<int, frys::policy::pages<frys::heap_pages>> block;
#endif
