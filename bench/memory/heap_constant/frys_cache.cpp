#include <frys/memory/heap.hpp>

#include "workload.hpp"

namespace {
// A cache that the caller holds, and blocks that it knows to be of it.
struct cache {
  frys::heap<>::cache& c;
  constant_object* make() { return static_cast<constant_object*>(c.try_allocate(sizeof(constant_object))); }
  void drop(constant_object* p) { c.deallocate_own(p, sizeof(constant_object)); }
};
}  // namespace

BENCH_CONTENDER("frys cache") {
  static frys::heap<> h;
  static frys::heap<>::cache c = *h.join();
  return make_and_drop(settings, cache{c});
}
