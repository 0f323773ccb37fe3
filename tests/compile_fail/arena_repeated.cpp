// expect: frys::arena: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::chunk_size<4096>, frys::policy::chunk_size<4096>> block;
#else
frys::arena<frys::policy::chunk_size<4096>> block;
#endif
