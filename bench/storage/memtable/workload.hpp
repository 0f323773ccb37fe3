// 200,000 keys of 16 bytes with values of 8 bytes: filled, found at random, replaced, erased. ns per operation.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "harness.hpp"

// Table has put(key, value), const std::uint64_t* get(key), bool drop(key).
template <class Make>
bench::outcome table(const bench::settings& settings, Make make) {
  const std::size_t n = settings.scaled(200'000);
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < 200'000; ++i) {
      std::string k = "key:" + std::to_string(i * 7919 % 1'000'003);
      k.resize(16, '_');
      out.push_back(k);
    }
    return out;
  }();
  auto t = make();
  auto timed = [&](auto&& f) {
    std::uint64_t x = 1;
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      f(i, keys[(x >> 33) % n]);
    }
    return (bench::thread_cpu_ns() - start) / static_cast<double>(n);
  };
  std::uint64_t found = 0, sum = 0, dropped = 0;
  const double fill = timed([&](std::size_t i, const std::string&) { t->put(keys[i], i); });
  const double hit = timed([&](std::size_t, const std::string& k) {
    const std::uint64_t* v = t->get(k);
    found += v != nullptr;
  });
  const double miss = timed([&](std::size_t i, const std::string& k) {
    char other[16];
    k.copy(other, 16);
    other[0] = 'K';
    sum += t->get(std::string_view(other, 16)) != nullptr ? i + 1 : 0;
  });
  const double replace = timed([&](std::size_t i, const std::string& k) { t->put(k, i); });
  const double drop = timed([&](std::size_t i, const std::string&) { dropped += t->drop(keys[i]); });
  bench::check(found == n && sum == 0 && dropped == n, "what was found and dropped");
  return {0,
          {{"insert", "ns", bench::better::lower, fill},
           {"find", "ns", bench::better::lower, hit},
           {"miss", "ns", bench::better::lower, miss},
           {"replace", "ns", bench::better::lower, replace},
           {"erase", "ns", bench::better::lower, drop}}};
}
