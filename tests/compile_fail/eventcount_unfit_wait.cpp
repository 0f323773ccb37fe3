// expect: frys::eventcount: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<frys::policy::wait<frys::clocks::steady>> bad;
#else
frys::eventcount<frys::policy::wait<frys::wait::yield>> good;
#endif
