#include "workload.hpp"

#include <frys/queue/bag.hpp>

namespace {
struct queue {
  using bag = frys::bag<std::uint64_t>;
  bag b;
  struct producer {
    bag::producer_type p;
    explicit producer(queue& q) : p(*q.b.producer()) {}
    bool try_push(std::uint64_t v) { return static_cast<bool>(p.try_push(v)); }
  };
  struct consumer {
    bag::consumer_type c;
    explicit consumer(queue& q) : c(*q.b.consumer()) {}
    bool try_pop(std::uint64_t& v) {
      auto got = c.try_pop();
      if (!got) return false;
      v = *got;
      return true;
    }
  };
};
}  // namespace

BENCH_CONTENDER("frys bag") { return measure<queue>(settings); }
