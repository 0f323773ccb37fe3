// expect: frys::ref_counted: unknown policy; it takes policy::count, policy::release, policy::atomics and
// policy::world
#include <frys/memory/intrusive_ptr.hpp>

#ifdef WRONG
struct object : frys::ref_counted<object, frys::policy::clock<int>> {};
object o;
#else
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::local>> {};
object o;
#endif
