// expect: frys::flat_index: unknown policy; it takes policy::pages, policy::limit and policy::world
#include <frys/search/flat_index.hpp>

#ifdef WRONG
frys::flat_index<frys::metrics::l2, frys::policy::capacity<64>> bad(3);
#else
frys::flat_index<frys::metrics::l2, frys::policy::limit<4096>> good(3);
#endif
