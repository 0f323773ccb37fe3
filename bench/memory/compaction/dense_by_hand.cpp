// The other way to move: values in one array without gaps, the last one moves into the place of an erased one, at each
// erase; memory goes back by one copy of all. A value that is erased is always the cause of another one's move.
#include "workload.hpp"

#include <cstdint>

namespace {
struct pool {
  struct handle {
    std::uint32_t index, generation;
  };
  struct slot {
    std::uint32_t at, generation;
  };
  std::vector<slot> slots;
  std::vector<std::uint32_t> free, owners;
  std::vector<particle> values;
  handle make(std::uint64_t v) {
    if (free.empty()) {
      free.push_back(static_cast<std::uint32_t>(slots.size()));
      slots.push_back({0, 0});
    }
    const std::uint32_t index = free.back();
    free.pop_back();
    slots[index].at = static_cast<std::uint32_t>(values.size());
    values.emplace_back(v);
    owners.push_back(index);
    return {index, ++slots[index].generation};
  }
  void drop(handle h) {
    slot& s = slots[h.index];
    if (s.generation != h.generation) return;
    ++s.generation;
    values[s.at] = std::move(values.back());
    owners[s.at] = owners.back();
    slots[owners[s.at]].at = s.at;
    values.pop_back();
    owners.pop_back();
    free.push_back(h.index);
  }
  particle* find(handle h) { return slots[h.index].generation != h.generation ? nullptr : &values[slots[h.index].at]; }
  double reserved() const {
    return static_cast<double>(values.capacity() * sizeof(particle) + slots.capacity() * 8 + free.capacity() * 4 +
                               owners.capacity() * 4);
  }
  std::size_t compact(double& longest) {
    const double start = bench::thread_cpu_ns();
    values.shrink_to_fit();
    owners.shrink_to_fit();
    longest = bench::thread_cpu_ns() - start;
    return values.size();
  }
  void trim() {}
};
}  // namespace

BENCH_MEASURE("dense by hand", pool)
