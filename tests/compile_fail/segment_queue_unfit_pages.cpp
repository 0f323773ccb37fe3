// expect: frys::segment_queue: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::pages<int>> block;
#else
frys::segment_queue<int, frys::policy::pages<frys::os_pages>> block;
#endif
