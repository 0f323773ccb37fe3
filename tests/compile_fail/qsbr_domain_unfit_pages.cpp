// expect: frys::qsbr_domain: policy::pages wants a page source, see core/concepts.hpp
#include <frys/memory/qsbr_domain.hpp>

#ifdef WRONG
frys::qsbr_domain<frys::policy::pages<int>> block;
#else
frys::qsbr_domain<frys::policy::pages<frys::heap_pages>> block;
#endif
