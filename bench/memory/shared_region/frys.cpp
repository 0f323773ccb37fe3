#include "workload.hpp"

#include <frys/memory/shared_region.hpp>

BENCH_CONTENDER("frys") {
  auto region = *frys::shared_region<>::create(std::size_t{16} << 20);
  return blocks(
      settings, [&](std::size_t size) { return *region.allocate(size); },
      [&](void* p, std::size_t size) { region.deallocate(p, size); });
}
