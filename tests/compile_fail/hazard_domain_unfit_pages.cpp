// expect: frys::hazard_domain: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/hazard_domain.hpp>

#ifdef WRONG
frys::hazard_domain<frys::policy::pages<int>> block;
#else
frys::hazard_domain<frys::policy::pages<frys::heap_pages>> block;
#endif
