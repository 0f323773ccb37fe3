// expect: frys::ref_counted: policy::release wants a type with `void reclaim(T*) noexcept`
#include <frys/memory/intrusive_ptr.hpp>

template <bool Nothrow>
struct keep {
  static void reclaim(void*) noexcept(Nothrow) {}
};

#ifdef WRONG
struct object : frys::ref_counted<object, frys::policy::release<keep<false>>> {};
object o;
#else
struct object : frys::ref_counted<object, frys::policy::release<keep<true>>> {};
object o;
#endif
