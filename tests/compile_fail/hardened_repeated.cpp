// expect: frys::hardened: a policy is given twice; name each at most once
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::quarantine<4>, frys::policy::quarantine<4>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::quarantine<4>> block;
#endif
