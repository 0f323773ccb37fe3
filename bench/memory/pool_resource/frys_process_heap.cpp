#include <frys/memory/pmr.hpp>
#include <frys/memory/process_heap.hpp>

#include "workload.hpp"

BENCH_CONTENDER("frys process_heap") {
  frys::allocator_resource<frys::process_heap> r;
  return measure(settings, r);
}
