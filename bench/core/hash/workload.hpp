// Hashing keys of 16 bytes and values of 1 KiB that lie in the first-level cache. ns per hash.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "harness.hpp"

template <class Hash>
bench::outcome hash_texts(const bench::settings& settings, Hash hash) {
  bench::outcome out;
  for (const std::size_t size : {std::size_t{16}, std::size_t{1024}}) {
    std::vector<std::string> texts;
    for (int i = 0; i < 16; ++i) {
      texts.push_back("key:" + std::to_string(i));
      texts.back().resize(size, 'x');
    }
    const std::size_t n = settings.scaled(size == 16 ? 10'000'000 : 1'000'000);
    std::uint64_t sum = 0, again = 0;
    for (std::size_t i = 0; i < n; ++i) again += hash(std::string_view(texts[i % 16]));
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) sum += hash(std::string_view(texts[i % 16]));
    const double time = bench::thread_cpu_ns() - start;
    bench::keep(sum);
    bench::check(sum == again, "a hash is not stable");
    bench::check(hash(texts[0]) != hash(texts[1]), "two texts collide");
    out.measures.push_back(
        {size == 16 ? "16_bytes" : "1_KiB", "ns", bench::better::lower, time / static_cast<double>(n)});
  }
  return out;
}
