// expect: frys::shared_region: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
using model = frys::policy::atomics<int>;
#else
using model = frys::policy::atomics<frys::atomics::real>;
#endif
auto region = frys::shared_region<model>::attach({});
