// expect: frys::parker: a policy is given twice; name each at most once
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<frys::policy::wait<frys::wait::spin>, frys::policy::wait<frys::wait::park>> bad;
#else
frys::parker<frys::policy::wait<frys::wait::spin>> good;
#endif
