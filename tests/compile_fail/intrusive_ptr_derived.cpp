// expect: frys::intrusive_ptr<T>: T must derive from ref_counted<T>, or from one with a virtual destructor
#include <frys/memory/intrusive_ptr.hpp>

struct base : frys::ref_counted<base> {};
struct polymorphic_base : frys::ref_counted<polymorphic_base> {
  virtual ~polymorphic_base() = default;
};

#ifdef WRONG
struct derived : base {};
frys::intrusive_ptr<derived> p;
#else
struct derived : polymorphic_base {};
frys::intrusive_ptr<derived> p;
#endif
