// Where a byte first stands: after 20 bytes (a protocol's line) and after 4 KiB. ns per call.
#pragma once
#include <string>

#include "harness.hpp"

template <class Find>
bench::outcome find(const bench::settings& settings, Find f) {
  bench::outcome out;
  for (const std::size_t at : {std::size_t{20}, std::size_t{4096}}) {
    std::string text(at + 100, 'x');
    text[at] = '\r';
    const std::size_t n = settings.scaled(at == 20 ? 5'000'000 : 500'000);
    std::size_t sum = 0;
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      bench::keep(text.data());
      sum += f(text.data(), text.size(), '\r');
    }
    const double time = bench::thread_cpu_ns() - start;
    bench::check(sum == n * at, "the place");
    out.measures.push_back({at == 20 ? "at_20" : "at_4096", "ns", bench::better::lower, time / static_cast<double>(n)});
  }
  return out;
}
