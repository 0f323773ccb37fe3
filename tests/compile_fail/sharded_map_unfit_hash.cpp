// expect: frys::sharded_map: policy::hash wants a function of the keys to a number
#include <frys/queue/sharded_map.hpp>

struct item {
  int id;
  friend bool operator==(const item&, const item&) = default;
};
struct item_hash {
  std::uint64_t operator()(const item& i) const noexcept { return static_cast<std::uint64_t>(i.id); }
};
#ifdef WRONG
frys::sharded_map<item, int> block;
#else
frys::sharded_map<item, int, frys::policy::hash<item_hash>> block;
#endif
