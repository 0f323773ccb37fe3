// expect: frys::heap: policy::chunk_size must be a power of two from 64 KiB to 1 GiB
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<frys::policy::chunk_size<100'000>> block;
#else
frys::heap<frys::policy::chunk_size<65536>> block;
#endif
