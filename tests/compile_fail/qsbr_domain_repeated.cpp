// expect: frys::qsbr_domain: a policy is given twice; name each at most once
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::real>> block;
#else
frys::qsbr_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
