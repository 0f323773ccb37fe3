// expect: frys::epoch_domain: a policy is given twice; name each at most once
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::real>> block;
#else
frys::epoch_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
