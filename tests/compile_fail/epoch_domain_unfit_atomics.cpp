// expect: frys::epoch_domain: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::atomics<int>> block;
#else
frys::epoch_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
