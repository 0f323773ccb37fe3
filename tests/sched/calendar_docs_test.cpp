// The code of docs/calendar.md.
#include <doctest/doctest.h>

#include <string_view>

#include <frys/sched/cron.hpp>

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

}  // namespace

TEST_CASE("docs/calendar.md: a schedule") {
  CHECK(runs_after_the_weekend());
  CHECK(schedule_of("0 0 31 2 *").has_value());
  CHECK(schedule_of("0 25 * * *").error().number == 2);
}
