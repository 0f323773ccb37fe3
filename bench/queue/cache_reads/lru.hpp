// The usual way: a list in order of use and a map into it, under a lock; in one piece or in sixteen.
#pragma once
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "workload.hpp"

template <std::size_t Pieces>
struct lru_cache {
  struct alignas(64) piece {
    std::mutex mutex;
    std::list<std::pair<std::uint64_t, std::uint64_t>> order;
    std::unordered_map<std::uint64_t, std::list<std::pair<std::uint64_t, std::uint64_t>>::iterator> at;
  };
  piece pieces[Pieces];

  lru_cache& seat() { return *this; }
  template <class F>
  std::uint64_t get_or(std::uint64_t key, F load) {
    piece& p = pieces[key * 0x9e3779b97f4a7c15u >> 32 & (Pieces - 1)];
    {
      const std::lock_guard lock(p.mutex);
      if (const auto found = p.at.find(key); found != p.at.end()) {
        p.order.splice(p.order.begin(), p.order, found->second);
        return found->second->second;
      }
    }
    const std::uint64_t value = load(key);
    const std::lock_guard lock(p.mutex);
    if (p.at.count(key) != 0) return value;
    if (p.at.size() == 4096 / Pieces) {
      p.at.erase(p.order.back().first);
      p.order.pop_back();
    }
    p.order.emplace_front(key, value);
    p.at[key] = p.order.begin();
    return value;
  }
};
