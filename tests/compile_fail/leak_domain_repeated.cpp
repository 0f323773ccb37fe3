// expect: frys::leak_domain: a policy is given twice; name each at most once
#include <frys/memory/leak_domain.hpp>

#ifdef WRONG
frys::leak_domain<frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::real>> block;
#else
frys::leak_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
