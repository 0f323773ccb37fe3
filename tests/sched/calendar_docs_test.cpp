// The code of docs/calendar.md.
#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <frys/sched/cron.hpp>
#include <frys/sched/time_zone.hpp>

namespace {

// [region cron]
// Read by the compiler: a minute 61 would not build.
constexpr frys::cron nightly = "30 2 * * MON-FRI";

// Read at run time, from whoever may write anything.
frys::result<frys::cron> schedule_of(std::string_view line) { return frys::cron::parse(line); }

bool runs_after_the_weekend() {
  // Friday the 1st of March, after work: the next one is on Monday.
  const auto next = nightly.next({2024, 3, 1, 18, 0, 0});
  return next == frys::civil_time{2024, 3, 4, 2, 30, 0};
}
// [endregion cron]

// [region zone]
constexpr frys::time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");

// In the night to 31 March 2024 the clocks went from 02:00 to 03:00.
std::optional<frys::seconds> half_past_two(frys::when_missing choice) {
  return berlin.to_utc({2024, 3, 31, 2, 30, 0}, {choice, frys::when_repeated::first});
}

// The bytes of /usr/share/zoneinfo/Europe/Berlin, read by the caller; they outlive the zone.
frys::result<frys::time_zone> zone_of(std::span<const std::byte> file) { return frys::time_zone::tzif(file); }
// [endregion zone]

}  // namespace

TEST_CASE("docs/calendar.md: a schedule") {
  CHECK(runs_after_the_weekend());
  CHECK(schedule_of("0 0 31 2 *").has_value());
  CHECK(schedule_of("0 25 * * *").error().number == 2);
}

TEST_CASE("docs/calendar.md: a zone") {
  CHECK(berlin.to_local(*half_past_two(frys::when_missing::shift)) == frys::civil_time{2024, 3, 31, 3, 30, 0});
  CHECK(berlin.to_local(*half_past_two(frys::when_missing::at_change)) == frys::civil_time{2024, 3, 31, 3, 0, 0});
  CHECK_FALSE(half_past_two(frys::when_missing::skip).has_value());
  CHECK(zone_of({}).error() == frys::errc::truncated);
}
