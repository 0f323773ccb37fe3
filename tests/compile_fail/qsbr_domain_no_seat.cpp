// expect: frys::qsbr_domain: policy::capacity must leave a seat
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::capacity<0>> block;
#else
frys::qsbr_domain<frys::policy::capacity<1>> block;
#endif
