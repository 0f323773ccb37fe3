// expect: frys::shared_region: a policy is given twice; name each at most once
#include <frys/memory/shared_region.hpp>

using from = frys::policy::mapping<frys::os_shared_memory>;
#ifdef WRONG
auto region = frys::shared_region<from, from>::attach({});
#else
auto region = frys::shared_region<from>::attach({});
#endif
