#include "workload.hpp"

#include <array>
#include <memory>

BENCH_CONTENDER("std::shared_ptr") {
  return lease(settings, [] { return std::make_shared_for_overwrite<std::array<std::byte, 4096>>(); });
}
