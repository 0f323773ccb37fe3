// expect: frys::segment_queue: policy::layout wants a layout, see queue/policies.hpp
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::layout<int>> block;
#else
frys::segment_queue<int, frys::policy::layout<frys::layout::scattered>> block;
#endif
