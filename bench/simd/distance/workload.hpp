// Distances of a query to 200 vectors of 300 floats, which lie in the second-level cache. ns per distance.
#pragma once
#include <cmath>
#include <span>
#include <vector>

#include "harness.hpp"

struct vectors {
  static constexpr std::size_t dimension = 300, count = 200;
  std::vector<float> rows, query;
  vectors() : rows(dimension * count), query(dimension) {
    std::uint32_t x = 1;
    auto next = [&] {
      x = x * 1664525u + 1013904223u;
      return static_cast<float>(x >> 8) / 16777216.0f - 0.5f;
    };
    for (float& f : rows) f = next();
    for (float& f : query) f = next();
  }
  std::span<const float> row(std::size_t i) const { return {rows.data() + i * dimension, dimension}; }
};

enum class kind { dot, l2, cosine };
inline double exact(kind k, std::span<const float> a, std::span<const float> b) {
  double dot = 0, l2 = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    dot += x * y;
    l2 += (x - y) * (x - y);
    aa += x * x;
    bb += y * y;
  }
  return k == kind::dot ? dot : k == kind::l2 ? l2 : dot / std::sqrt(aa * bb);
}

template <class Distance>
void distances(bench::outcome& out, const bench::settings& settings, const char* name, kind k, Distance distance) {
  static const vectors v;
  const std::size_t rounds = settings.scaled(2'000);
  float sum = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < vectors::count; ++i) sum += distance(v.query, v.row(i));
    bench::keep(sum);
  }
  const double time = bench::thread_cpu_ns() - start;
  for (std::size_t i = 0; i < vectors::count; ++i)
    bench::check(std::fabs(distance(v.query, v.row(i)) - exact(k, v.query, v.row(i))) < 1e-3, "a distance is wrong");
  out.measures.push_back({name, "ns", bench::better::lower, time / static_cast<double>(rounds * vectors::count)});
}
