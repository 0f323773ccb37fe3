#include "workload.hpp"

#include <frys/simd/checksum.hpp>

BENCH_CONTENDER("frys") {
  return checksum(settings, [](const char* p, std::size_t n) { return frys::simd::crc32c(frys::as_bytes({p, n})); });
}
