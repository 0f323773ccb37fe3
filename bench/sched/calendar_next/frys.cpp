#include "workload.hpp"

#include <frys/sched/zoned_cron.hpp>

namespace {
const frys::time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
struct zone {
  shown to_local(std::int64_t t) const {
    const frys::civil_time c = berlin.to_local(frys::seconds{t});
    return {c.year, c.month, c.day, c.hour, c.minute, c.second};
  }
  std::int64_t to_utc(const shown& s) const {
    const frys::civil_time c{s.year,
                             static_cast<std::uint8_t>(s.month),
                             static_cast<std::uint8_t>(s.day),
                             static_cast<std::uint8_t>(s.hour),
                             static_cast<std::uint8_t>(s.minute),
                             static_cast<std::uint8_t>(s.second)};
    return berlin.to_utc(c)->count();
  }
  std::int64_t next(std::int64_t t) const { return nightly.next(frys::seconds{t})->count(); }
  std::int64_t leap(std::int64_t t) const { return leap_day.next(frys::seconds{t})->count(); }
  frys::zoned_cron nightly{"30 2 * * MON-FRI", &berlin};
  frys::zoned_cron leap_day{"0 0 29 2 *", &berlin};
};
}  // namespace

BENCH_CONTENDER("frys") {
  zone z;
  bench::outcome out = questions(settings, z);
  // A log's time stamps: a thousand to a second.
  frys::zone_cursor cursor(berlin);
  const std::size_t n = settings.scaled(1'000'000);
  std::int64_t sum = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i)
    sum += cursor.to_local(frys::seconds{year_2025 + static_cast<std::int64_t>(i / 1000)}).second;
  out.measures.push_back(
      {"to_local_cursor", "ns", bench::better::lower, (bench::thread_cpu_ns() - start) / static_cast<double>(n)});
  bench::check(sum > 0, "time stands still");
  return out;
}
