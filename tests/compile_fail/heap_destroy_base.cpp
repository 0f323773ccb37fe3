// expect: frys::heap: destroy<T> wants the type that was created
#include <frys/memory/heap.hpp>

struct base {
  virtual ~base() = default;
};
struct derived final : base {};
#ifdef WRONG
void end(frys::heap<>::cache& c, base* b) { c.destroy(b); }
#else
void end(frys::heap<>::cache& c, derived* b) { c.destroy(b); }
#endif
