// expect: frys::generator<Ref, V>: the value type must be an object type without const; name it as V
#include <frys/sched/generator.hpp>

#ifdef WRONG
frys::generator<int&, const int> bad() { co_return; }
#else
frys::generator<int&, int> good() { co_return; }
#endif
