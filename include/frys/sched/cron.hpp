// cron: when something happens again and again, in the language of crontab: "30 2 * * MON-FRI".
//
// Use when  people write the schedule: five fields (minute hour day-of-month month day-of-week), or six with seconds
//           first. cron("30 2 * * *") is read by the compiler, cron::parse(text) at run time.
// Not when  a fixed interval will do: a timer_wheel is simpler.
// Grammar   lists, ranges (which may wrap: 22-2, FRI-MON), steps (*/5, 10-50/20, 7/10), names (JAN, MON), * and ?; as
//           Quartz: L, L-3, LW, 15W as a day of month, 5L and FRI#2 as a day of week; @yearly, @annually, @monthly,
//           @weekly, @daily, @midnight, @hourly. Sunday is 0 and 7, as in crontab (in Quartz it is 1: write names).
// Or        where day of month and day of week are both given, either will do, as in Vixie's cron; a field that starts
//           with * or ? does not count as given.
// Cost      some bit scans per call of next and previous: no loop over time; a schedule that waits for 29 February
//           looks at one month a year. 48 bytes, no allocation.
// Errors    cron::parse: errc::invalid_argument, `number` is the position in the text. A literal that is wrong does not
//           compile; the message stands in what the compiler says.
// Threads   any: a value.
// Source    crontab(5) of P. Vixie; the CronTrigger page of Quartz for L, W and #.
#ifndef FRYS_SCHED_CRON_HPP
#define FRYS_SCHED_CRON_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "../config.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "civil_time.hpp"
#include "detail/cron_text.hpp"

namespace frys::inline FRYS_ABI {

class cron {
 public:
  // A literal; what is wrong in it is an error of compilation.
  consteval cron(const char* text);
  static result<cron> parse(std::string_view text) noexcept;

  static constexpr cron yearly() noexcept;
  static constexpr cron monthly() noexcept;
  static constexpr cron weekly(weekday first = weekday::monday) noexcept;
  static constexpr cron daily(unsigned hour = 0) noexcept;  // hour: 0 to 23
  static constexpr cron hourly() noexcept;

  // The first time after `after`, or none: the date never comes (30 February), or the range of civil_time ends.
  constexpr std::optional<civil_time> next(const civil_time& after) const noexcept;
  // The last time before `before`.
  constexpr std::optional<civil_time> previous(const civil_time& before) const noexcept;
  constexpr bool matches(const civil_time& t) const noexcept;

  // Minute or hour start with *: it runs by the interval rather than at a time of day. Tells what a day with 23 or 25
  // hours means to it (zoned_cron.hpp).
  constexpr bool is_interval() const noexcept { return f_.interval; }

  friend constexpr bool operator==(const cron&, const cron&) noexcept = default;

 private:
  constexpr explicit cron(const detail::cron_fields& f) noexcept : f_(f) {}

  // Of n bits from 0: the lowest above i, the highest below i, n at most 64; -1: there is none.
  static constexpr int above(std::uint64_t bits, unsigned i) noexcept {
    const std::uint64_t rest = bits >> i >> 1;
    return rest == 0 ? -1 : static_cast<int>(i) + 1 + std::countr_zero(rest);
  }
  static constexpr int below(std::uint64_t bits, unsigned i) noexcept {
    return static_cast<int>(std::bit_width(bits & ((std::uint64_t{1} << i) - 1))) - 1;
  }
  static constexpr bool has(std::uint64_t bits, unsigned i) noexcept { return (bits >> i & 1) != 0; }

  // The days of a month, bit d for day d.
  constexpr std::uint32_t days_in(std::int32_t year, unsigned month) const noexcept;
  constexpr std::uint32_t special_days(unsigned length, unsigned first) const noexcept;
  constexpr std::uint32_t special_weekdays(unsigned length, unsigned first) const noexcept;

  constexpr civil_time first_of(std::int32_t year, unsigned month, unsigned day) const noexcept {
    return at(year, month, day, std::countr_zero(f_.hours), std::countr_zero(f_.minutes), std::countr_zero(f_.seconds));
  }
  constexpr civil_time last_of(std::int32_t year, unsigned month, unsigned day) const noexcept {
    return at(year, month, day, below(f_.hours, 24), below(f_.minutes, 60), below(f_.seconds, 60));
  }
  static constexpr civil_time at(std::int32_t year, unsigned month, unsigned day, int hour, int minute,
                                 int second) noexcept {
    return {year,
            static_cast<std::uint8_t>(month),
            static_cast<std::uint8_t>(day),
            static_cast<std::uint8_t>(hour),
            static_cast<std::uint8_t>(minute),
            static_cast<std::uint8_t>(second)};
  }

  // A year is leap or not and begins on one of seven weekdays; each of the fourteen comes again within 40 years (the
  // longest wait is for a leap one, over a year like 1900 or 2100). What has not come by then never will.
  static constexpr std::int32_t horizon = 40;

  detail::cron_fields f_;
};

consteval cron::cron(const char* text) : f_(detail::cron_literal(text)) {}

inline result<cron> cron::parse(std::string_view text) noexcept {
  detail::cron_fields f;
  detail::cron_reader reader(text, f);
  if (const detail::cron_error wrong = reader.read(); wrong != detail::cron_error::none)
    return error{errc::invalid_argument, domain::sched, detail::message_of(wrong),
                 static_cast<std::int64_t>(reader.position())};
  return cron(f);
}

constexpr cron cron::yearly() noexcept { return cron(detail::cron_literal("@yearly")); }
constexpr cron cron::monthly() noexcept { return cron(detail::cron_literal("@monthly")); }
constexpr cron cron::hourly() noexcept { return cron(detail::cron_literal("@hourly")); }
constexpr cron cron::daily(unsigned hour) noexcept {
  FRYS_ASSERT(hour < 24, "cron::daily: an hour is 0 to 23");
  detail::cron_fields f = detail::cron_literal("@daily");
  f.hours = std::uint32_t{1} << hour;
  return cron(f);
}
constexpr cron cron::weekly(weekday first) noexcept {
  detail::cron_fields f = detail::cron_literal("@weekly");
  f.weekdays = static_cast<std::uint8_t>(1u << static_cast<unsigned>(first));
  return cron(f);
}

constexpr std::uint32_t cron::special_days(unsigned length, unsigned first) const noexcept {
  std::uint32_t days = 0;
  for (std::uint32_t rest = f_.from_last; rest != 0; rest &= rest - 1) {
    const auto before = static_cast<unsigned>(std::countr_zero(rest));
    if (before < length) days |= std::uint32_t{1} << (length - before);
  }
  for (std::uint32_t rest = f_.nearest; rest != 0; rest &= rest - 1) {
    const auto wanted = static_cast<unsigned>(std::countr_zero(rest));
    unsigned day = wanted == 0 ? length : wanted;
    if (day > length) continue;
    const unsigned of_week = (first + day - 1) % 7;
    // The nearest day from Monday to Friday that is in the month.
    if (of_week == 6) day = day == 1 ? 3 : day - 1;
    if (of_week == 0) day = day == length ? day - 2 : day + 1;
    days |= std::uint32_t{1} << day;
  }
  return days;
}

constexpr std::uint32_t cron::special_weekdays(unsigned length, unsigned first) const noexcept {
  // Turned so that bit 0 is the weekday that the month begins with.
  const auto turned = [first](unsigned days) { return ((days | days << 7) >> first) & 0x7f; };
  std::uint64_t days = 0;
  for (unsigned n = 0; n < 5; ++n) days |= std::uint64_t{turned(f_.nth[n])} << (7 * n + 1);
  const std::uint64_t last_week = std::uint64_t{0x7f} << (length - 6);
  days |= std::uint64_t{turned(f_.nth[5])} * 0x10204081 << 1 & last_week;
  return static_cast<std::uint32_t>(days & ((std::uint64_t{2} << length) - 2));
}

constexpr std::uint32_t cron::days_in(std::int32_t year, unsigned month) const noexcept {
  const unsigned length = days_in_month(year, month);
  const auto first = static_cast<unsigned>(weekday_of(civil_day{year, static_cast<std::uint8_t>(month), 1}));
  std::uint32_t by_day = f_.days;
  // Turned so that bit 0 is the weekday that the month begins with, and written five times side by side.
  const unsigned week = ((f_.weekdays | unsigned{f_.weekdays} << 7) >> first) & 0x7f;
  auto by_weekday = static_cast<std::uint32_t>(std::uint64_t{week} * 0x10204081 << 1);
  if (f_.special) {
    by_day |= special_days(length, first);
    by_weekday |= special_weekdays(length, first);
  }
  const std::uint32_t days = f_.day_given && f_.weekday_given ? by_day | by_weekday : by_day & by_weekday;
  return days & static_cast<std::uint32_t>((std::uint64_t{2} << length) - 2);
}

constexpr bool cron::matches(const civil_time& t) const noexcept {
  return has(f_.seconds, t.second) && has(f_.minutes, t.minute) && has(f_.hours, t.hour) && has(f_.months, t.month) &&
         has(days_in(t.year, t.month), t.day);
}

constexpr std::optional<civil_time> cron::next(const civil_time& after) const noexcept {
  FRYS_ASSERT(is_valid(after), "cron::next: no calendar shows this time");
  std::int32_t year = after.year;
  int month = after.month;
  if (has(f_.months, after.month)) {
    const std::uint32_t days = days_in(year, after.month);
    if (has(days, after.day)) {
      if (has(f_.hours, after.hour)) {
        if (has(f_.minutes, after.minute))
          if (const int second = above(f_.seconds, after.second); second >= 0)
            return at(year, after.month, after.day, after.hour, after.minute, second);
        if (const int minute = above(f_.minutes, after.minute); minute >= 0)
          return at(year, after.month, after.day, after.hour, minute, std::countr_zero(f_.seconds));
      }
      if (const int hour = above(f_.hours, after.hour); hour >= 0)
        return at(year, after.month, after.day, hour, std::countr_zero(f_.minutes), std::countr_zero(f_.seconds));
    }
    if (const int day = above(days, after.day); day >= 0)
      return first_of(year, after.month, static_cast<unsigned>(day));
  }
  const std::int32_t last_year =
      (after.year <= civil_limits::last.year - horizon) ? after.year + horizon : civil_limits::last.year;
  for (;;) {
    month = above(f_.months, static_cast<unsigned>(month));
    if (month < 0) {
      if (++year > last_year) return std::nullopt;
      month = std::countr_zero(f_.months);
    }
    if (const std::uint32_t days = days_in(year, static_cast<unsigned>(month)); days != 0)
      return first_of(year, static_cast<unsigned>(month), static_cast<unsigned>(std::countr_zero(days)));
  }
}

constexpr std::optional<civil_time> cron::previous(const civil_time& before) const noexcept {
  FRYS_ASSERT(is_valid(before), "cron::previous: no calendar shows this time");
  std::int32_t year = before.year;
  int month = before.month;
  if (has(f_.months, before.month)) {
    const std::uint32_t days = days_in(year, before.month);
    if (has(days, before.day)) {
      if (has(f_.hours, before.hour)) {
        if (has(f_.minutes, before.minute))
          if (const int second = below(f_.seconds, before.second); second >= 0)
            return at(year, before.month, before.day, before.hour, before.minute, second);
        if (const int minute = below(f_.minutes, before.minute); minute >= 0)
          return at(year, before.month, before.day, before.hour, minute, below(f_.seconds, 60));
      }
      if (const int hour = below(f_.hours, before.hour); hour >= 0)
        return at(year, before.month, before.day, hour, below(f_.minutes, 60), below(f_.seconds, 60));
    }
    if (const int day = below(days, before.day); day >= 0)
      return last_of(year, before.month, static_cast<unsigned>(day));
  }
  const std::int32_t first_year =
      (before.year >= civil_limits::first.year + horizon) ? before.year - horizon : civil_limits::first.year;
  for (;;) {
    month = below(f_.months, static_cast<unsigned>(month));
    if (month < 0) {
      if (--year < first_year) return std::nullopt;
      month = below(f_.months, 13);
    }
    if (const std::uint32_t days = days_in(year, static_cast<unsigned>(month)); days != 0)
      return last_of(year, static_cast<unsigned>(month), static_cast<unsigned>(below(days, 32)));
  }
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_CRON_HPP
