// expect: frys::bag: policy::portion must be at least 1
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::portion<0>> block;
#else
frys::bag<int, frys::policy::portion<1>> block;
#endif
