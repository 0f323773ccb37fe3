// expect: frys::slot_map: policy::capacity wants at least 1 slot, and no more than the handle's index bits count
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int, frys::policy::capacity<257>, frys::policy::handle_bits<8, 24>> block;
#else
frys::slot_map<int, frys::policy::capacity<256>, frys::policy::handle_bits<8, 24>> block;
#endif
