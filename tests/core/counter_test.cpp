#include <frys/core/counter.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace {

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 11;
}

// The smallest value that at least q of the values do not pass.
std::uint64_t exact(const std::vector<std::uint64_t>& sorted, double q) {
  const auto rank = static_cast<std::size_t>((std::max)(1.0, std::ceil(q * static_cast<double>(sorted.size()))));
  return sorted[rank - 1];
}

constexpr double quantiles[] = {0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0};

}  // namespace

// [region counter]
TEST_CASE("counter: each writer has its own, readers add them up") {
  frys::counter handled[2];  // one per worker; apart by a cache line in real life
  std::thread one([&] {
    for (int i = 0; i < 10000; ++i) handled[0].add();
  });
  std::thread two([&] {
    for (int i = 0; i < 10000; ++i) handled[1].add(2);
  });
  CHECK(handled[0].value() + handled[1].value() <= 30000);  // any time
  one.join();
  two.join();
  CHECK(handled[0].value() + handled[1].value() == 30000);
}
// [endregion counter]

TEST_CASE("counter: set, and wrap-around") {
  frys::counter c;
  c.set((std::numeric_limits<std::uint64_t>::max)());
  c.add(3);
  CHECK(c.value() == 2);
}

TEST_CASE("histogram: small values are exact") {
  frys::histogram h;
  for (std::uint64_t v = 0; v < 64; ++v) h.record(v);
  const auto s = h.snapshot();
  CHECK(s.count == 64);
  CHECK(s.sum == 63 * 64 / 2);
  CHECK(s.max == 63);
  for (std::uint64_t v = 0; v < 64; ++v) CHECK(s.quantile((static_cast<double>(v) + 1) / 64) == v);
  CHECK(s.mean() == doctest::Approx(31.5));
}

TEST_CASE("histogram: a quantile is never below the exact one, and at most 1/32 above it") {
  std::uint64_t state = 3;
  for (const unsigned spread : {0u, 8u, 20u, 40u}) {
    frys::histogram h;
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t v = (next_random(state) >> 12) >> (spread == 0 ? 0 : next_random(state) % spread);
      h.record(v);
      all.push_back(v);
    }
    std::sort(all.begin(), all.end());
    const auto s = h.snapshot();
    for (const double q : quantiles) {
      const std::uint64_t want = exact(all, q), got = s.quantile(q);
      CHECK(got >= want);
      CHECK(got - want <= want / 32);
    }
    CHECK(s.quantile(1.0) == all.back());
  }
}

TEST_CASE("histogram: every value of 64 bits has its place") {
  for (unsigned bit = 0; bit < 64; ++bit)
    for (const std::uint64_t v :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1}) {
      frys::histogram h;
      h.record(v);
      CHECK(h.snapshot().quantile(0.5) == v);  // alone, the maximum bounds it
      h.record((std::numeric_limits<std::uint64_t>::max)());
      const std::uint64_t got = h.snapshot().quantile(0.5);
      CHECK(got >= v);
      CHECK(got - v <= v / 32);
    }
}

TEST_CASE("histogram: an empty one answers zero, odd quantiles the ends") {
  const frys::histogram_snapshot none;
  CHECK(none.quantile(0.5) == 0);
  CHECK(none.mean() == 0.0);
  frys::histogram h;
  h.record(5);
  h.record(9);
  CHECK(h.snapshot().quantile(-1) == 5);
  CHECK(h.snapshot().quantile(2) == 9);
}

TEST_CASE("histogram: snapshots add up to the histogram of all values") {
  frys::histogram a, b, both;
  std::uint64_t state = 9;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t v = next_random(state) % 100000;
    (i % 3 == 0 ? a : b).record(v);
    both.record(v);
  }
  auto sum = a.snapshot();
  sum += b.snapshot();
  const auto want = both.snapshot();
  CHECK(sum.buckets == want.buckets);
  CHECK(sum.count == want.count);
  CHECK(sum.sum == want.sum);
  CHECK(sum.max == want.max);
  frys::histogram_snapshot into;
  a.snapshot(into);
  b.snapshot(into);
  CHECK(into.buckets == want.buckets);
}

TEST_CASE("histogram: a snapshot while the writer writes holds only what was written") {
  frys::histogram h;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 200000 && !stop.load(std::memory_order_relaxed); ++i) h.record(i % 1000);
  });
  std::uint64_t before = 0;
  for (int i = 0; i < 50; ++i) {
    const auto s = h.snapshot();
    CHECK(s.count >= before);
    CHECK(s.max < 1000);
    before = s.count;
  }
  stop = true;
  writer.join();
}
