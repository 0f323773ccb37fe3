#include "workload.hpp"

#include <cstdlib>

namespace {
struct together {
  std::vector<void*> all[2];
  struct thread_part {
    std::vector<void*>& mine;
    void* take(std::size_t size, std::size_t) {
      mine.push_back(std::malloc(size));
      return mine.back();
    }
  };
  thread_part part(unsigned t) { return {all[t]}; }
  void reset() {
    for (auto& pieces : all) {
      for (void* p : pieces) std::free(p);
      pieces.clear();
    }
  }
};
}  // namespace

BENCH_CONTENDER("malloc+free") {
  static together t;
  return fill_together(settings, t);
}
