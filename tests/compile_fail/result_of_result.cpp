// expect: frys::result<T>: T must be an object type other than error and result; use result<void> or a pointer
#include <frys/core/result.hpp>

#ifdef WRONG
frys::result<frys::result<int>> bad;
#else
frys::result<void> good;
#endif
