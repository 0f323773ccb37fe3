// expect: frys::shared_region: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
using from = frys::policy::pages<int>;
#else
using from = frys::policy::pages<frys::heap_pages>;
#endif
auto region = frys::shared_region<from>::attach({});
