// expect: frys::epoch_domain: policy::capacity must leave a seat
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::capacity<0>> block;
#else
frys::epoch_domain<frys::policy::capacity<1>> block;
#endif
