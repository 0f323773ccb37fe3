// expect: frys::biased_ptr<T>: T must be ref_counted with policy::count<counts::biased>
#include <frys/memory/biased_ptr.hpp>

#ifdef WRONG
struct object : frys::ref_counted<object> {};
#else
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::biased>> {};
#endif
void copy(frys::biased_ptr<object>& p) { frys::biased_ptr<object> other(p); }
