// expect: frys::basic_buffer: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/buffer.hpp>

#ifdef WRONG
frys::basic_buffer<frys::policy::atomics<int>> block;
#else
frys::basic_buffer<frys::policy::atomics<frys::atomics::tsan>> block;
#endif
