// expect: frys::hardened: policy::quarantine holds at most 2^20 blocks
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::quarantine<2000000>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::quarantine<1000>> block;
#endif
