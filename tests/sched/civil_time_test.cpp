#include <doctest/doctest.h>

#include <cstdint>

#include <frys/sched/civil_time.hpp>

namespace {

// The calendar as one writes it down: a day later, month by month.
struct slow_calendar {
  std::int32_t year, month, day;
  static bool leap(std::int32_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
  static std::int32_t length(std::int32_t y, std::int32_t m) {
    constexpr std::int32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[m - 1] + (m == 2 && leap(y) ? 1 : 0);
  }
  void next() {
    if (++day <= length(year, month)) return;
    day = 1;
    if (++month <= 12) return;
    month = 1;
    ++year;
  }
};

}  // namespace

TEST_CASE("civil_time: every day of the range, counted one by one, and back") {
  slow_calendar slow{-32767, 1, 1};
  std::int32_t days = frys::days_of({-32767, 1, 1});
  unsigned weekday = static_cast<unsigned>(frys::weekday_of(days));
  bool fine = true;
  while (slow.year <= 32767) {
    const frys::civil_day d = frys::day_of(days);
    fine = fine && d.year == slow.year && d.month == slow.month && d.day == slow.day;
    fine = fine && frys::days_of(d) == days && static_cast<unsigned>(frys::weekday_of(days)) == weekday;
    fine = fine && static_cast<std::int32_t>(frys::days_in_month(slow.year, d.month)) == slow.length(d.year, d.month);
    if (!fine) {
      CAPTURE(days);
      REQUIRE(fine);
    }
    slow.next();
    ++days;
    weekday = (weekday + 1) % 7;
  }
  CHECK(days == frys::days_of({32767, 12, 31}) + 1);
}

TEST_CASE("civil_time: known days") {
  static_assert(frys::days_of({1970, 1, 1}) == 0);
  static_assert(frys::days_of({2000, 3, 1}) == 11'017);
  static_assert(frys::weekday_of(frys::civil_day{1970, 1, 1}) == frys::weekday::thursday);
  static_assert(frys::weekday_of(frys::civil_day{2000, 1, 1}) == frys::weekday::saturday);
  static_assert(frys::is_leap_year(2000) && frys::is_leap_year(2024) && !frys::is_leap_year(1900));
  static_assert(frys::is_leap_year(0) && frys::is_leap_year(-4) && !frys::is_leap_year(-100));
  static_assert(frys::seconds_of({2001, 9, 9, 1, 46, 40}).count() == 1'000'000'000);
  static_assert(frys::civil_of(frys::seconds{1'000'000'000}) == frys::civil_time{2001, 9, 9, 1, 46, 40});
  static_assert(frys::civil_of(frys::seconds{-1}) == frys::civil_time{1969, 12, 31, 23, 59, 59});
  static_assert(frys::seconds_of({2038, 1, 19, 3, 14, 8}).count() == 2'147'483'648);
  CHECK(true);
}

TEST_CASE("civil_time: seconds of every hour around a day's end, there and back") {
  for (const std::int64_t day : {-11'000'000, -1, 0, 1, 20'000, 11'000'000})
    for (std::int64_t s = -3700; s < 3700; s += 7) {
      const frys::seconds at{day * 86'400 + s};
      CHECK(frys::seconds_of(frys::civil_of(at)) == at);
    }
}

TEST_CASE("civil_time: an instant beyond the range counts as its end") {
  CHECK(frys::civil_of((frys::seconds::max)()) == frys::civil_limits::last);
  CHECK(frys::civil_of((frys::seconds::min)()) == frys::civil_limits::first);
  CHECK(frys::civil_of(frys::seconds_of(frys::civil_limits::last)) == frys::civil_limits::last);
}

TEST_CASE("civil_time: what no calendar shows is not valid") {
  static_assert(frys::is_valid(frys::civil_day{2024, 2, 29}) && !frys::is_valid(frys::civil_day{2023, 2, 29}));
  static_assert(!frys::is_valid(frys::civil_day{2023, 13, 1}) && !frys::is_valid(frys::civil_day{2023, 0, 1}));
  static_assert(!frys::is_valid(frys::civil_day{2023, 4, 31}) && !frys::is_valid(frys::civil_day{2023, 4, 0}));
  static_assert(!frys::is_valid(frys::civil_day{40'000, 1, 1}));
  static_assert(!frys::is_valid(frys::civil_time{2023, 1, 1, 24, 0, 0}));
  static_assert(!frys::is_valid(frys::civil_time{2023, 1, 1, 0, 60, 0}));
  static_assert(!frys::is_valid(frys::civil_time{2023, 1, 1, 0, 0, 60}));
  CHECK(true);
}
