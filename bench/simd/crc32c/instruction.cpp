#include "workload.hpp"

#if defined(__x86_64__)
#include <nmmintrin.h>

#include <cstring>

namespace {
// The instruction in a plain loop, 8 bytes at a time.
__attribute__((target("sse4.2"))) std::uint32_t crc(const char* p, std::size_t n) {
  std::uint64_t c = 0xffffffffu;
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    c = _mm_crc32_u64(c, v);
  }
  for (; n > 0; --n, ++p) c = _mm_crc32_u8(static_cast<std::uint32_t>(c), static_cast<unsigned char>(*p));
  return ~static_cast<std::uint32_t>(c);
}
}  // namespace

BENCH_CONTENDER("sse4.2 loop") { return checksum(settings, crc); }
#endif
