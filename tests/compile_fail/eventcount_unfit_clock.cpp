// expect: frys::eventcount: policy::clock wants a type with a static now() in nanoseconds
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<frys::policy::clock<frys::wait::spin>> bad;
#else
frys::eventcount<frys::policy::clock<frys::clocks::coarse>> good;
#endif
