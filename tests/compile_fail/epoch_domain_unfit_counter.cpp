// expect: frys::epoch_domain: policy::counter wants an unsigned integer type
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::counter<int>> block;
#else
frys::epoch_domain<frys::policy::counter<unsigned>> block;
#endif
