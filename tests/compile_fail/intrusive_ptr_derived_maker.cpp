// expect: frys::make_intrusive_from<T>: T itself must be counted; only delete finds the whole of a derived one
#include <frys/memory/intrusive_ptr.hpp>

#include <memory>

struct base : frys::ref_counted<base, frys::policy::release<frys::reclaim_by_allocator<std::allocator<base>>>> {
  virtual ~base() = default;
};
struct derived : base {};

#ifdef WRONG
auto p = frys::make_intrusive<derived>();
#else
auto p = frys::make_intrusive<base>();
#endif
