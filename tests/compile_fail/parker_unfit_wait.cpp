// expect: frys::parker: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<frys::policy::wait<frys::clocks::steady>> bad;
#else
frys::parker<frys::policy::wait<frys::wait::yield>> good;
#endif
