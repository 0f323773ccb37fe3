// expect: frys::segment_queue: policy::limit must leave room for two segments; name a larger one
#include <frys/queue/segment_queue.hpp>

using one = frys::segment_queue<int, frys::policy::capacity<16>>;
#ifdef WRONG
frys::segment_queue<int, frys::policy::capacity<16>, frys::policy::limit<2 * one::segment_bytes - 1>> queue;
#else
frys::segment_queue<int, frys::policy::capacity<16>, frys::policy::limit<2 * one::segment_bytes>> queue;
#endif
