// The ten nearest of 10,000 vectors of 300 floats to a query, exactly. us per query.
#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "harness.hpp"

struct data {
  static constexpr std::size_t dimension = 300, count = 10'000, k = 10;
  std::vector<float> rows, query;
  std::vector<std::uint64_t> nearest;  // by doubles, the simple way
  data() : rows(dimension * count), query(dimension) {
    std::uint32_t x = 1;
    auto next = [&] {
      x = x * 1664525u + 1013904223u;
      return static_cast<float>(x >> 8) / 16777216.0f - 0.5f;
    };
    for (float& f : rows) f = next();
    for (float& f : query) f = next();
    std::vector<std::pair<double, std::uint64_t>> all;
    for (std::size_t i = 0; i < count; ++i) {
      double s = 0;
      for (std::size_t d = 0; d < dimension; ++d) {
        const double e = static_cast<double>(rows[i * dimension + d]) - query[d];
        s += e * e;
      }
      all.emplace_back(s, i);
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (std::size_t i = 0; i < k; ++i) nearest.push_back(all[i].second);
  }
  std::span<const float> row(std::size_t i) const { return {rows.data() + i * dimension, dimension}; }
};
inline const data& the_data() {
  static const data d;
  return d;
}

// search(query) answers the ids, nearest first.
template <class Search>
bench::outcome queries(const bench::settings& settings, Search search) {
  const std::size_t n = settings.scaled(50);
  std::vector<std::uint64_t> ids;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) ids = search(std::span<const float>(the_data().query));
  const double time = bench::thread_cpu_ns() - start;
  bench::check(ids == the_data().nearest, "recall below 1");
  return {static_cast<double>(n), {{"query", "us", bench::better::lower, time / 1000 / static_cast<double>(n)}}};
}
