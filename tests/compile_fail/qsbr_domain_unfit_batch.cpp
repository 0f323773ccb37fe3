// expect: frys::qsbr_domain: policy::batch must be at least 1 and at most policy::garbage
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::garbage<8>, frys::policy::batch<9>> block;
#else
frys::qsbr_domain<frys::policy::garbage<8>, frys::policy::batch<8>> block;
#endif
