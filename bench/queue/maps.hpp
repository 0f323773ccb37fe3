// maps: the maps that the map workloads compare. A Map has seat(): what a thread works with: get(key, value), false
// when the key is not there; put(key, value), which replaces; drop(key).
#pragma once
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "harness.hpp"

inline constexpr std::uint64_t map_keys = 64 * 1024;

// Spread over all numbers, each its own.
inline std::uint64_t map_key(std::uint64_t i) { return i * 0x9e3779b97f4a7c15u; }
inline std::uint64_t next_dice(std::uint64_t& dice) {
  dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
  return dice;
}

// std::unordered_map under a lock; Shared: what a reader locks with.
template <class Mutex, class Shared>
struct locked_map {
  Mutex mutex;
  std::unordered_map<std::uint64_t, std::uint64_t> map;
  struct end {
    locked_map& own;
    bool get(std::uint64_t key, std::uint64_t& value) {
      const Shared lock(own.mutex);
      const auto found = own.map.find(key);
      if (found == own.map.end()) return false;
      value = found->second;
      return true;
    }
    void put(std::uint64_t key, std::uint64_t value) {
      const std::lock_guard lock(own.mutex);
      own.map[key] = value;
    }
    void drop(std::uint64_t key) {
      const std::lock_guard lock(own.mutex);
      own.map.erase(key);
    }
  };
  end seat() { return {*this}; }
};

template <class Map>
void fill(Map& map) {
  auto seat = map.seat();
  for (std::uint64_t i = 0; i < map_keys; ++i) seat.put(map_key(i), i);
}
