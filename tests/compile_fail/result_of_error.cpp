// expect: frys::result<T>: T must be an object type other than error and result
#include <frys/core/result.hpp>

#ifdef WRONG
frys::result<frys::error> bad{frys::error{}};
#else
frys::result<int> good;
#endif
