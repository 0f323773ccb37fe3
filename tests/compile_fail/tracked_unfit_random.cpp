// expect: frys::tracked: policy::random wants a random source that is made of a seed or of nothing
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<frys::arena<>, frys::policy::random<int>> block;
#else
inline frys::tracked<frys::arena<>, frys::policy::random<frys::detail::sampling_dice>> block;
#endif
