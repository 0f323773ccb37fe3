// expect: frys::slot_handle: policy::handle_bits wants 1 to 32 bits for the index and 1 to 32 for the generation
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_handle<int, frys::policy::handle_bits<40, 24>> handle;
#else
frys::slot_handle<int, frys::policy::handle_bits<32, 24>> handle;
#endif
