#include "workload.hpp"

#include <frys/queue/sharded_map.hpp>

namespace {
struct map {
  using type = frys::sharded_map<std::uint64_t, std::uint64_t>;
  frys::epoch_domain<> domain;
  type m;
  struct end {
    type& m;
    type::participant own;
    bool get(std::uint64_t key, std::uint64_t& value) {
      const auto found = m.find(own, key);
      if (!found) return false;
      value = *found;
      return true;
    }
    void put(std::uint64_t key, std::uint64_t value) { (void)m.insert_or_assign(own, key, value); }
    void drop(std::uint64_t key) { (void)m.erase(own, key); }
  };
  end seat() { return {m, *domain.join()}; }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<map>(settings); }
