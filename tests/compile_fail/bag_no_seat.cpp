// expect: frys::bag: policy::seats must leave a seat
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::seats<0>> block;
#else
frys::bag<int, frys::policy::seats<1>> block;
#endif
