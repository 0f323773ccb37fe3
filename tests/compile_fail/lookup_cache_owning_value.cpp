// expect: frys::lookup_cache<Key, Value>: both must be trivially copyable
#include <frys/queue/lookup_cache.hpp>

struct owner {
  owner() = default;
  owner(const owner&) {}
  ~owner() {}
};
#ifdef WRONG
frys::lookup_cache<int, owner> block;
#else
frys::lookup_cache<int, int> block;
#endif
