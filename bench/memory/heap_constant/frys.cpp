#include <frys/memory/process_heap.hpp>

#include "workload.hpp"

namespace {
struct heap {
  constant_object* make() {
    return static_cast<constant_object*>(frys::process_heap::try_allocate(sizeof(constant_object)));
  }
  void drop(constant_object* p) { frys::process_heap::deallocate(p, sizeof(constant_object)); }
};
}  // namespace

BENCH_CONTENDER("frys") { return make_and_drop(settings, heap{}); }
