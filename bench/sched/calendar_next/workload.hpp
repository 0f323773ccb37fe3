// What a calendar asks: the local time of an instant, the instant of a local time, and when a schedule comes next. In
// Berlin, by the rule that holds today, at instants all over a year. ns per question.
#pragma once
#include <cstdint>
#include <vector>

#include "harness.hpp"

constexpr std::int64_t year_2025 = 1'735'689'600;

inline std::vector<std::int64_t> instants() {
  std::vector<std::int64_t> all(4096);
  std::uint64_t x = 1;
  for (std::int64_t& t : all) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    t = year_2025 + static_cast<std::int64_t>((x >> 33) % (365 * 86'400));
  }
  return all;
}

// A local time as all contenders can say it, and as one number to add up.
struct shown {
  int year, month, day, hour, minute, second;
  std::int64_t sum() const { return (((((year * 12LL + month) * 31 + day) * 24 + hour) * 60) + minute) * 60 + second; }
};

// The first contender says a sum, the others say the same.
inline bool agrees(int what, std::uint64_t sum) {
  static std::uint64_t sums[2] = {};
  if (sums[what] == 0) sums[what] = sum;
  return sums[what] == sum;
}

// Zone: shown to_local(t); int64 to_utc(shown), the first of two; int64 next(t) of "30 2 * * MON-FRI", and
// leap(t) of "0 0 29 2 *", both after t.
template <class Zone>
bench::outcome questions(const bench::settings& settings, Zone& zone) {
  const std::vector<std::int64_t> all = instants();
  const std::size_t rounds = settings.scaled(200);
  const double n = static_cast<double>(rounds * all.size());
  std::uint64_t local = 0, back = 0, next = 0;
  const auto timed = [&](auto one) {
    const double start = bench::thread_cpu_ns();
    for (std::size_t r = 0; r < rounds; ++r)
      for (const std::int64_t t : all) one(t);
    return (bench::thread_cpu_ns() - start) / n;
  };
  const double to_local = timed([&](std::int64_t t) { local += static_cast<std::uint64_t>(zone.to_local(t).sum()); });
  std::vector<shown> times;
  for (const std::int64_t t : all) times.push_back(zone.to_local(t));
  std::size_t i = 0;
  const double to_utc =
      timed([&](std::int64_t) { back += static_cast<std::uint64_t>(zone.to_utc(times[i++ % times.size()])); });
  const double nightly = timed([&](std::int64_t t) { next += static_cast<std::uint64_t>(zone.next(t)); });
  const double leap = timed([&](std::int64_t t) { next += static_cast<std::uint64_t>(zone.leap(t)); });
  std::uint64_t all_instants = 0;
  for (const std::int64_t t : all) all_instants += static_cast<std::uint64_t>(t);
  // In the hour that comes twice the way back may lead to the other one; Berlin has it once in this year.
  const std::uint64_t away = back > all_instants * rounds ? back - all_instants * rounds : all_instants * rounds - back;
  bench::check(away <= rounds * all.size() * 3600 / 1000, "the way back leads elsewhere");
  bench::check(agrees(0, local / rounds), "local times are not those of the others");
  bench::check(agrees(1, next / rounds), "the next times are not those of the others");
  return {n,
          {{"to_local", "ns", bench::better::lower, to_local},
           {"to_utc", "ns", bench::better::lower, to_utc},
           {"next", "ns", bench::better::lower, nightly},
           {"next_leap_day", "ns", bench::better::lower, leap}}};
}
