// expect: frys::basic_histogram: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/core/counter.hpp>

#ifdef WRONG
frys::basic_histogram<frys::policy::atomics<int>> bad;
#else
frys::basic_histogram<frys::policy::atomics<frys::atomics::real>> good;
#endif
