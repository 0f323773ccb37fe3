// expect: frys::arena: policy::chunk_size must be at least 256 bytes
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::chunk_size<16>> a;
#else
frys::arena<frys::policy::chunk_size<256>> a;
#endif
