// expect: frys::leak_domain: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/leak_domain.hpp>

#ifdef WRONG
frys::leak_domain<frys::policy::atomics<int>> block;
#else
frys::leak_domain<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
