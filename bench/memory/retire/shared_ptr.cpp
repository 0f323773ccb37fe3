#include "workload.hpp"

#include <memory>

namespace {
struct scheme {
  void retire(void* object) {
    // What std offers: a count beside each object.
    std::shared_ptr<void> p(object, [](void* o) { count_one(o); });
    bench::keep(p);
  }
  void finish() {}
};
}  // namespace

BENCH_CONTENDER("std::shared_ptr") {
  static scheme s;
  return retires(settings, s);
}
