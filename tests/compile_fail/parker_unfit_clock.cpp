// expect: frys::parker: policy::clock wants a type with a static now() in nanoseconds
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<frys::policy::clock<frys::wait::spin>> bad;
#else
frys::parker<frys::policy::clock<frys::clocks::coarse>> good;
#endif
