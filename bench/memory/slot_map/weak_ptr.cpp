#include "workload.hpp"

#include <memory>

namespace {
// A weak_ptr is a handle that is checked; the owners stand in a vector, dense.
struct map {
  static constexpr bool checks = true;
  struct handle {
    std::weak_ptr<particle> weak;
    std::size_t* at = nullptr;
  };
  struct owner {
    std::shared_ptr<particle> value;
    std::unique_ptr<std::size_t> at;
  };
  std::vector<owner> all;
  handle make(std::uint64_t v) {
    all.push_back({std::make_shared<particle>(v), std::make_unique<std::size_t>(all.size())});
    return {all.back().value, all.back().at.get()};
  }
  bool drop(const handle& h) {
    if (h.weak.expired()) return false;
    const std::size_t at = *h.at;
    if (at + 1 != all.size()) {
      all[at] = std::move(all.back());
      *all[at].at = at;
    }
    all.pop_back();
    return true;
  }
  particle* find(const handle& h) { return h.weak.lock().get(); }
  template <class F>
  void each(F f) {
    for (auto& o : all) f(*o.value);
  }
};
}  // namespace

BENCH_MEASURE("std::weak_ptr", map)
