#include "workload.hpp"

#include <frys/queue/stealing_deque.hpp>

namespace {
struct deque {
  using type = frys::stealing_deque<std::uint64_t, frys::policy::capacity<1024>>;
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
      const auto got = thief.try_steal();
      if (!got) return false;
      sum += *got;
      ++count;
      return true;
    }
  };
  end owner() { return {d.owner()}; }
  far_end thief() { return {d.thief()}; }
};
}  // namespace

BENCH_CONTENDER("frys fixed") { return measure<deque>(settings); }
