// expect: frys::qsbr_domain: policy::counter wants an unsigned integer type
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::counter<int>> block;
#else
frys::qsbr_domain<frys::policy::counter<unsigned>> block;
#endif
