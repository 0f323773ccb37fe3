// expect: frys::intrusive_ptr<T>: T must derive from ref_counted<T>, or from one with a virtual destructor
#include <frys/memory/intrusive_ptr.hpp>

#ifdef WRONG
struct object {};
frys::intrusive_ptr<object> p;
#else
struct object : frys::ref_counted<object> {};
frys::intrusive_ptr<object> p;
#endif
