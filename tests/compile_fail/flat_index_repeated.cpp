// expect: frys::flat_index: a policy is given twice; name each at most once
#include <frys/search/flat_index.hpp>

#ifdef WRONG
frys::flat_index<frys::metrics::l2, frys::policy::limit<4096>, frys::policy::limit<8192>> bad(3);
#else
frys::flat_index<frys::metrics::l2, frys::policy::limit<4096>> good(3);
#endif
