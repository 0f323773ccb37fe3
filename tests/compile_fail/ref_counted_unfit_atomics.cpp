// expect: frys::ref_counted: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/intrusive_ptr.hpp>

#ifdef WRONG
struct object : frys::ref_counted<object, frys::policy::atomics<int>> {};
object o;
#else
struct object : frys::ref_counted<object, frys::policy::atomics<frys::atomics::tsan>> {};
object o;
#endif
