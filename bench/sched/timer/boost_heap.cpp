#include "workload.hpp"

#if __has_include(<boost/heap/pairing_heap.hpp>)
#include <boost/heap/pairing_heap.hpp>

namespace {
struct timers {
  struct entry {
    std::uint64_t at;
    std::size_t i;
    bool operator<(const entry& o) const { return at > o.at; }
  };
  using heap_type = boost::heap::pairing_heap<entry>;
  heap_type heap;
  std::vector<heap_type::handle_type> handles = std::vector<heap_type::handle_type>(10'000);
  std::vector<bool> in = std::vector<bool>(10'000);
  void set(std::size_t i, std::uint64_t when) {
    if (in[i]) heap.erase(handles[i]);
    handles[i] = heap.push({when, i});
    in[i] = true;
  }
  std::size_t advance(std::uint64_t now) {
    std::size_t fired = 0;
    for (; !heap.empty() && heap.top().at <= now; ++fired) {
      in[heap.top().i] = false;
      heap.pop();
    }
    return fired;
  }
};
}  // namespace

BENCH_CONTENDER("boost::pairing_heap") {
  timers t;
  return timeouts(settings, t);
}
#else
BENCH_MISSING("boost::pairing_heap", "libboost-dev")
#endif
