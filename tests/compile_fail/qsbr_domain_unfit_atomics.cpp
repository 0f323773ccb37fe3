// expect: frys::qsbr_domain: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::atomics<int>> block;
#else
frys::qsbr_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
