// expect: frys::arena::make<T>: the arena runs no destructors; use object_pool for a T that needs one
#include <frys/memory/arena.hpp>

#ifdef WRONG
struct made {
  ~made() {}
};
inline auto make(frys::arena<>& a) { return a.make<made>().has_value(); }
#else
struct made {};
inline auto make(frys::arena<>& a) { return a.make<made>().has_value(); }
#endif
