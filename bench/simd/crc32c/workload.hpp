// The checksum of a log's records: 64 bytes and 64 KiB, in the cache. ns per call.
#pragma once
#include <string>

#include "harness.hpp"

template <class Crc>
bench::outcome checksum(const bench::settings& settings, Crc crc) {
  bench::outcome out;
  bench::check(crc("123456789", 9) == 0xe3069283u, "the check value of CRC-32C");
  for (const std::size_t size : {std::size_t{64}, std::size_t{65536}}) {
    const std::string data(size, 'x');
    const std::size_t n = settings.scaled(size == 64 ? 2'000'000 : 5'000);
    std::uint32_t sum = 0;
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      sum += crc(data.data(), data.size());
      bench::keep(sum);
    }
    const double time = bench::thread_cpu_ns() - start;
    out.measures.push_back(
        {size == 64 ? "64_bytes" : "64_KiB", "ns", bench::better::lower, time / static_cast<double>(n)});
  }
  return out;
}
