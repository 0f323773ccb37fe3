// TBB's map as a Map, see ../maps.hpp. A source that uses it says `// link: tbb`.
#pragma once
#include <cstdint>

#if __has_include(<tbb/concurrent_hash_map.h>)
#include <tbb/concurrent_hash_map.h>

namespace {
struct tbb_map {
  using type = tbb::concurrent_hash_map<std::uint64_t, std::uint64_t>;
  type m;
  struct end {
    type& m;
    bool get(std::uint64_t key, std::uint64_t& value) {
      type::const_accessor found;
      if (!m.find(found, key)) return false;
      value = found->second;
      return true;
    }
    void put(std::uint64_t key, std::uint64_t value) {
      type::accessor at;
      m.insert(at, key);
      at->second = value;
    }
    void drop(std::uint64_t key) { m.erase(key); }
  };
  end seat() { return {m}; }
};
}  // namespace
#else
struct tbb_map {
  static constexpr const char* package = "libtbb-dev";
};
#endif
