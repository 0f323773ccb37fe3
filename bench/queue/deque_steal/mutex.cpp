#include "../mutex_deque.hpp"
#include "workload.hpp"

namespace {
struct deque : mutex_deque {
  struct end {
    mutex_deque& d;
    bool push(std::uint64_t v) { return d.push(v), true; }
    bool pop(std::uint64_t& v) { return d.pop(v); }
    void share() {}
    bool steal(std::uint64_t& sum, std::uint64_t& count) {
      std::uint64_t v = 0;
      if (!d.steal(v)) return false;
      sum += v;
      ++count;
      return true;
    }
  };
  end owner() { return {*this}; }
  end thief() { return {*this}; }
};
}  // namespace

BENCH_CONTENDER("mutex+deque") { return measure<deque>(settings); }
