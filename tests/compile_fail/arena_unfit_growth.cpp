// expect: frys::arena: policy::growth wants growth::geometric, growth::fixed or growth::none
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::growth<int>> block;
#else
frys::arena<frys::policy::growth<frys::growth::fixed>> block;
#endif
