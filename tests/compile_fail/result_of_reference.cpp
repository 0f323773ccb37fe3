// expect: frys::result<T>: T must be an object type other than error and result
#include <frys/core/result.hpp>

#ifdef WRONG
using bad = decltype(frys::result<int&>().value());
#else
frys::result<int*> good;
#endif
