// expect: frys::ref_counted: a policy is given twice; name each at most once
#include <frys/memory/intrusive_ptr.hpp>

#ifdef WRONG
struct object
    : frys::ref_counted<object, frys::policy::count<frys::counts::local>, frys::policy::count<frys::counts::local>> {};
object o;
#else
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::local>> {};
object o;
#endif
