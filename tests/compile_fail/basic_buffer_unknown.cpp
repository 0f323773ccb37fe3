// expect: frys::basic_buffer: unknown policy; it takes policy::atomics and policy::world
#include <frys/memory/buffer.hpp>

#ifdef WRONG
frys::basic_buffer<frys::policy::clock<int>> block;
#else
frys::basic_buffer<frys::policy::atomics<frys::atomics::real>> block;
#endif
