// expect: frys::ref_counted: policy::count wants counts::atomic, counts::local or a model of them
#include <frys/memory/intrusive_ptr.hpp>

#ifdef WRONG
struct object : frys::ref_counted<object, frys::policy::count<int>> {};
object o;
#else
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::atomic>> {};
object o;
#endif
