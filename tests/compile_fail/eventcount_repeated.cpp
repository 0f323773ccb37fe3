// expect: frys::eventcount: a policy is given twice; name each at most once
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<frys::policy::wait<frys::wait::spin>, frys::policy::wait<frys::wait::park>> bad;
#else
frys::eventcount<frys::policy::wait<frys::wait::spin>> good;
#endif
