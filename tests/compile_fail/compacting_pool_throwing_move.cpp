// expect: frys::compacting_pool<T>: T must be an object type, not const, not an array, that moves and dies without throwing; slot_map is for one that cannot move
#include <frys/memory/compacting_pool.hpp>

struct heavy {
  heavy() = default;
#ifdef WRONG
  heavy(heavy&&) {}
#else
  heavy(heavy&&) noexcept {}
#endif
};
frys::compacting_pool<heavy> block;
