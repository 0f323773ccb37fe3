// expect: frys::shared_region::make<T>: T lies where other processes write: no pointer, no virtual functions, and no
// destructor, since nobody runs it
#include <frys/memory/shared_region.hpp>

#ifdef WRONG
struct made {
  ~made() {}
};
#else
struct made {};
#endif
inline bool make(frys::shared_region<>& r) { return r.make<made>("name").has_value(); }
