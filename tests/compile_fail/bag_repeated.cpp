// expect: frys::bag: a policy is given twice; name each at most once
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::portion<8>, frys::policy::portion<8>> block;
#else
frys::bag<int, frys::policy::portion<8>> block;
#endif
