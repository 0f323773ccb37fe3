// expect: frys::bag: policy::pages wants a page source, see core/concepts.hpp
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::pages<int>> block;
#else
frys::bag<int, frys::policy::pages<frys::os_pages>> block;
#endif
