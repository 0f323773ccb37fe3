#include "workload.hpp"

#include <frys/queue/stealing_deque.hpp>

namespace {
struct deque {
  using type = frys::stealing_deque<std::uint64_t>;
  type d;
  struct end {
    type::owner_type own;
    bool push(std::uint64_t v) { return static_cast<bool>(own.try_push(v)); }
    bool pop(std::uint64_t& v) {
      const auto got = own.try_pop();
      if (!got) return false;
      v = *got;
      return true;
    }
    void share() { own.share(); }
  };
  struct far_end {
    type::thief_type thief;
    bool steal(std::uint64_t& sum, std::uint64_t& count) {
      std::uint64_t loot[32];
      const std::size_t n = thief.steal_batch(loot);
      for (std::size_t i = 0; i < n; ++i) sum += loot[i];
      count += n;
      return n != 0;
    }
  };
  end owner() { return {d.owner()}; }
  far_end thief() { return {d.thief()}; }
};
}  // namespace

BENCH_CONTENDER("frys batches") { return measure<deque>(settings); }
