// expect: frys::basic_buffer: a policy is given twice; name each at most once
#include <frys/memory/buffer.hpp>

#ifdef WRONG
frys::basic_buffer<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> block;
#else
frys::basic_buffer<frys::policy::atomics<frys::atomics::real>> block;
#endif
