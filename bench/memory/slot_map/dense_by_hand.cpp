#include "workload.hpp"

namespace {
// The other layout of a slot map: values in one array without gaps, the last one moves into the place of an erased one.
// Without limits, retirement or errors.
struct map {
  static constexpr bool checks = true;
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
  bool drop(handle h) {
    if (find(h) == nullptr) return false;
    slot& s = slots[h.index];
    ++s.generation;
    if (s.at + 1 != values.size()) {
      values[s.at] = std::move(values.back());
      owners[s.at] = owners.back();
      slots[owners[s.at]].at = s.at;
    }
    values.pop_back();
    owners.pop_back();
    free.push_back(h.index);
    return true;
  }
  particle* find(handle h) {
    if (h.index >= slots.size() || slots[h.index].generation != h.generation) return nullptr;
    return &values[slots[h.index].at];
  }
  template <class F>
  void each(F f) {
    for (particle& p : values) f(p);
  }
};
}  // namespace

BENCH_MEASURE("dense by hand", map)
