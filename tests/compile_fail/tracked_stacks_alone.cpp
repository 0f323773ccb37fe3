// expect: frys::tracked: policy::stacks wants policy::sample_every<bytes>; only samples know their stacks
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::stacks<frys::stacks::unwind<8>>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::sample_every<100>, frys::policy::stacks<frys::stacks::unwind<8>>> block;
#endif
