#include "workload.hpp"

#include <frys/simd/bytes.hpp>

BENCH_CONTENDER("frys") {
  return find(settings, [](const char* p, std::size_t n, char c) {
    return frys::simd::find_byte(frys::as_bytes({p, n}), static_cast<std::byte>(c));
  });
}
