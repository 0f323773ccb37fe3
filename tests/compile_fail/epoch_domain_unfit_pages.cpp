// expect: frys::epoch_domain: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/epoch_domain.hpp>

#ifdef WRONG
frys::epoch_domain<frys::policy::pages<int>> block;
#else
frys::epoch_domain<frys::policy::pages<frys::heap_pages>> block;
#endif
