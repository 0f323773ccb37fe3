// expect: frys::allocate_unique<T>: T must be an object type, not an array, that dies without throwing
#include <frys/memory/allocated_ptr.hpp>
#include <frys/memory/arena.hpp>

#ifdef WRONG
struct made { ~made() noexcept(false) {} };
inline auto make(frys::arena<>& a) { return frys::allocate_unique<made>(a).has_value(); }
#else
struct made {};
inline auto make(frys::arena<>& a) { return frys::allocate_unique<made>(a).has_value(); }
#endif
