#include "workload.hpp"

#include <cstdlib>
#include <vector>

namespace {
struct region {
  std::vector<void*> all;
  void* take(std::size_t size, std::size_t) {
    all.push_back(std::malloc(size));
    return all.back();
  }
  void reset() {
    for (void* p : all) std::free(p);
    all.clear();
  }
};
}  // namespace

BENCH_CONTENDER("malloc+free") {
  static region r;
  return fill(settings, r);
}
