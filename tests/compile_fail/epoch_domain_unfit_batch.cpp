// expect: frys::epoch_domain: policy::batch must be at least 1 and at most policy::garbage
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::garbage<8>, frys::policy::batch<9>> block;
#else
frys::epoch_domain<frys::policy::garbage<8>, frys::policy::batch<8>> block;
#endif
