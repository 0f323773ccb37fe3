// civil_time: dates and times of day as people write them, and the days and seconds since 1970 they stand for.
//
// Use when  a schedule or a line of a log needs a date: cron, time_zone and calendar stand on it.
// Not when  a program has std::chrono's calendar and wants its types; this is arithmetic alone, and constexpr.
// Model     the Gregorian calendar without end in both directions, days of 86,400 seconds, no leap seconds (as time_t).
//           Year 0 is the year before 1. A civil_time knows no zone: time_zone.hpp turns one into an instant.
// Range     years -32767 to 32767 (civil_limits); instants beyond them count as the first or the last second.
// Threads   any: values. Cost: some ns, no table, no allocation, no division that is not by a constant.
// Source    C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar algorithms", SPE 2022.
#ifndef FRYS_SCHED_CIVIL_TIME_HPP
#define FRYS_SCHED_CIVIL_TIME_HPP

#include <chrono>
#include <compare>
#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

using std::chrono::seconds;

// Sunday is 0, as cron and POSIX count.
enum class weekday : std::uint8_t { sunday, monday, tuesday, wednesday, thursday, friday, saturday };

struct civil_day {
  std::int32_t year = 1970;
  std::uint8_t month = 1;  // 1 to 12
  std::uint8_t day = 1;    // 1 to 31

  friend constexpr auto operator<=>(const civil_day&, const civil_day&) noexcept = default;
};

struct civil_time {
  std::int32_t year = 1970;
  std::uint8_t month = 1;   // 1 to 12
  std::uint8_t day = 1;     // 1 to 31
  std::uint8_t hour = 0;    // 0 to 23
  std::uint8_t minute = 0;  // 0 to 59
  std::uint8_t second = 0;  // 0 to 59

  constexpr civil_day date() const noexcept { return {year, month, day}; }
  friend constexpr auto operator<=>(const civil_time&, const civil_time&) noexcept = default;
};

constexpr bool is_leap_year(std::int32_t year) noexcept {
  // A year that 25 divides is a century's if 4 divides it too, so 16 decides; else 4 does.
  return (year & (year % 25 == 0 ? 15 : 3)) == 0;
}

constexpr unsigned days_in_month(std::int32_t year, unsigned month) noexcept {
  // 30 or 31: the months alternate, and turn round after July.
  return month == 2 ? (is_leap_year(year) ? 29u : 28u) : 30u | (month ^ (month >> 3));
}

constexpr bool is_valid(civil_day d) noexcept {
  return d.year >= -32767 && d.year <= 32767 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
         d.day <= days_in_month(d.year, d.month);
}
constexpr bool is_valid(const civil_time& t) noexcept {
  return is_valid(t.date()) && t.hour < 24 && t.minute < 60 && t.second < 60;
}

namespace detail {
// The computation counts days from 1 March of a year 400 * n before the range, so that it is all of unsigned numbers
// and the leap day is the last of its year.
inline constexpr std::uint32_t civil_eras = 82;  // * 400 years > 32767
inline constexpr std::uint32_t civil_epoch = 719'468 + 146'097 * civil_eras;
inline constexpr std::int32_t civil_years = 400 * civil_eras;
}  // namespace detail

// Days since 1970-01-01. Any day of the range; a day past its month's end counts on into the next one.
constexpr std::int32_t days_of(civil_day d) noexcept {
  const bool early = d.month <= 2;  // January and February end the year before
  const auto year = static_cast<std::uint32_t>(d.year + detail::civil_years) - (early ? 1u : 0u);
  const std::uint32_t month = d.month + (early ? 12u : 0u);
  const std::uint32_t century = year / 100;
  const std::uint32_t of_years = 1461 * year / 4 - century + century / 4;
  const std::uint32_t of_months = (979 * month - 2919) / 32;
  return static_cast<std::int32_t>(of_years + of_months + d.day - 1u - detail::civil_epoch);
}

// The day that is `days` after 1970-01-01; inside the range.
constexpr civil_day day_of(std::int32_t days) noexcept {
  const std::uint32_t n1 = 4 * (static_cast<std::uint32_t>(days) + detail::civil_epoch) + 3;
  const std::uint32_t century = n1 / 146'097;
  const std::uint32_t n2 = (n1 % 146'097) | 3;  // 4 * (day of the century) + 3
  const std::uint64_t p2 = std::uint64_t{2'939'745} * n2;
  const auto year_of_century = static_cast<std::uint32_t>(p2 >> 32);
  const std::uint32_t day_of_year = static_cast<std::uint32_t>(p2) / 2'939'745 / 4;  // from 1 March
  const std::uint32_t n3 = 2'141 * day_of_year + 197'913;
  const bool early = day_of_year >= 306;
  return {static_cast<std::int32_t>(100 * century + year_of_century + (early ? 1u : 0u)) - detail::civil_years,
          static_cast<std::uint8_t>((n3 >> 16) - (early ? 12u : 0u)),
          static_cast<std::uint8_t>((n3 & 0xffff) / 2'141 + 1)};
}

// Of the day that is `days` after 1970-01-01, a Thursday.
constexpr weekday weekday_of(std::int32_t days) noexcept {
  // 7 * 10^8 makes it positive for the whole range and changes nothing.
  return static_cast<weekday>((static_cast<std::uint32_t>(days) + 700'000'004u) % 7);
}
constexpr weekday weekday_of(civil_day d) noexcept { return weekday_of(days_of(d)); }

// Seconds since 1970-01-01 00:00:00 of a clock that shows `t`, whatever its zone (for UTC: the instant).
constexpr seconds seconds_of(const civil_time& t) noexcept {
  return seconds{std::int64_t{days_of(t.date())} * 86'400 + (t.hour * 60 + t.minute) * 60 + t.second};
}

struct civil_limits {
  static constexpr civil_time first{-32767, 1, 1, 0, 0, 0};
  static constexpr civil_time last{32767, 12, 31, 23, 59, 59};
};

// What a clock shows `s` after it showed 1970-01-01 00:00:00.
constexpr civil_time civil_of(seconds s) noexcept {
  constexpr seconds first = seconds_of(civil_limits::first);
  constexpr seconds last = seconds_of(civil_limits::last);
  const std::int64_t at = (s < first ? first : s > last ? last : s).count();
  // Counted from the start of the range: positive, so the division does not round towards zero.
  const auto from_first = static_cast<std::uint64_t>(at - first.count());
  const auto day = static_cast<std::uint32_t>(from_first / 86'400);
  const auto of_day = static_cast<std::uint32_t>(from_first % 86'400);
  const civil_day d = day_of(static_cast<std::int32_t>(day) + days_of(civil_limits::first.date()));
  const std::uint32_t minutes = of_day / 60;
  return {d.year,
          d.month,
          d.day,
          static_cast<std::uint8_t>(minutes / 60),
          static_cast<std::uint8_t>(minutes % 60),
          static_cast<std::uint8_t>(of_day % 60)};
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_CIVIL_TIME_HPP
