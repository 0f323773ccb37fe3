// expect: frys::lookup_cache: policy::hash wants a function of the keys to a number, and keys that compare
#include <frys/queue/lookup_cache.hpp>

struct item {
  int id;
  friend bool operator==(const item&, const item&) = default;
};
struct item_hash {
  std::uint64_t operator()(const item& i) const noexcept { return static_cast<std::uint64_t>(i.id); }
};
#ifdef WRONG
frys::lookup_cache<item, int> block;
#else
frys::lookup_cache<item, int, frys::policy::hash<item_hash>> block;
#endif
