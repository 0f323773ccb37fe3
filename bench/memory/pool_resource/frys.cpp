#include <frys/memory/heap.hpp>
#include <frys/memory/pmr.hpp>

#include "workload.hpp"

BENCH_CONTENDER("frys") {
  frys::heap<> heap;
  auto cache = *heap.join();
  frys::allocator_resource<frys::heap<>::cache> r(cache);
  return measure(settings, r);
}
