// expect: frys::shared_region::get<T>: T lies where other processes write: it must be an object, no pointer, and
// without virtual functions
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
struct element {
  virtual void f();
};
#else
struct element {
  void f();
};
#endif
inline auto get(frys::shared_region<>& r, frys::region_ptr<element> p) { return r.get(p); }
