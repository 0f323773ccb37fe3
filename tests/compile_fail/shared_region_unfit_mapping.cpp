// expect: frys::shared_region: policy::mapping wants a source of shared memory, see memory/shared_memory.hpp
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
using from = frys::policy::mapping<frys::os_pages>;
#else
using from = frys::policy::mapping<frys::os_shared_memory>;
#endif
auto region = frys::shared_region<from>::attach({});
