// expect: frys::make_intrusive_from<T>: T's policy::release has no `result<T*> make<T>(args...)`; make the object
#include <frys/memory/intrusive_ptr.hpp>

struct pieces {
  template <class T>
  static void reclaim(T*) noexcept {}
};
struct object : frys::ref_counted<object, frys::policy::release<pieces>> {};
object o;

#ifdef WRONG
auto p = frys::make_intrusive<object>();
#else
auto p = frys::intrusive_ptr<object>::adopt(&o);
#endif
