// tz_rule: the rule of a time zone as POSIX writes it in TZ: "CET-1CEST,M3.5.0,M10.5.0/3".
#ifndef FRYS_SCHED_DETAIL_TZ_RULE_HPP
#define FRYS_SCHED_DETAIL_TZ_RULE_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "../civil_time.hpp"

namespace frys::inline FRYS_ABI {

// A stretch of time in which a zone's clocks go evenly: `offset` east of Greenwich, from `from` to before `until`. The
// first one begins at seconds::min(), the last one ends with seconds::max().
struct zone_period {
  seconds from = (seconds::min)();
  seconds until = (seconds::max)();
  std::int32_t offset = 0;        // seconds
  bool is_daylight = false;       // the zone calls it daylight saving time
  const char* abbreviation = "";  // "CET"; lives as long as the time_zone and what it was made from

  friend constexpr bool operator==(const zone_period& a, const zone_period& b) noexcept {
    return a.from == b.from && a.until == b.until && a.offset == b.offset && a.is_daylight == b.is_daylight &&
           std::string_view(a.abbreviation) == b.abbreviation;
  }
};

namespace detail {

// When in a year the clocks change: local time by the clocks before the change.
struct tz_date {
  enum class kind : std::uint8_t { without_leap_day, with_leap_day, weekday_of_month };
  kind form = kind::weekday_of_month;
  std::uint8_t month = 1, week = 1, weekday = 0;
  std::uint16_t day = 0;         // 1 to 365 without 29 February, or 0 to 365 with it
  std::int32_t time = 2 * 3600;  // from midnight; -167 to 167 hours

  // Seconds of the clock that shows the change in `year`.
  constexpr std::int64_t in(std::int32_t year) const noexcept {
    std::int32_t at;
    if (form == kind::weekday_of_month) {
      const std::int32_t first = days_of({year, month, 1});
      const auto begins = static_cast<std::int32_t>(weekday_of(first));
      std::int32_t to = (weekday + 7 - begins) % 7 + 7 * (week - 1);
      if (to >= static_cast<std::int32_t>(days_in_month(year, month))) to -= 7;  // week 5 is the last one
      at = first + to;
    } else {
      at = days_of({year, 1, 1}) + day;
      if (form == kind::without_leap_day) at += (day >= 60 && is_leap_year(year) ? 1 : 0) - 1;
    }
    return std::int64_t{at} * 86'400 + time;
  }
  // Days of the year, from 0, that it lies between; roughly.
  constexpr int earliest() const noexcept { return form == kind::weekday_of_month ? 30 * (month - 1) - 2 : day - 1; }
  constexpr int latest() const noexcept { return form == kind::weekday_of_month ? 31 * month : day + 1; }
  // Whether the time (167 hours at most), two offsets and a leap day can take it into another year.
  constexpr bool is_inside_year() const noexcept { return earliest() >= margin && latest() <= 364 - margin; }
  constexpr bool is_before(const tz_date& other) const noexcept { return latest() + 2 * margin < other.earliest(); }
  static constexpr int margin = 11;
  friend constexpr bool operator==(const tz_date&, const tz_date&) noexcept = default;
};

struct tz_rule {
  static constexpr std::size_t name_size = 16;  // with its 0

  char standard[name_size] = "UTC";
  char daylight[name_size] = "";
  std::int32_t standard_offset = 0;  // seconds east
  std::int32_t daylight_offset = 0;
  bool has_daylight = false;
  bool inside_year = false;  // both dates are, and come in the same order every year
  tz_date start, end;        // of daylight saving time

  constexpr seconds start_of(std::int32_t year) const noexcept { return seconds{start.in(year)-standard_offset}; }
  constexpr seconds end_of(std::int32_t year) const noexcept { return seconds{end.in(year)-daylight_offset}; }
  constexpr zone_period period(bool summer, seconds from, seconds until) const noexcept {
    return {from, until, summer ? daylight_offset : standard_offset, summer, summer ? daylight : standard};
  }

  // The period that `t` is in.
  constexpr zone_period at(seconds t) const noexcept {
    if (!has_daylight) return period(false, (seconds::min)(), (seconds::max)());
    // Years in which dates may be reckoned with; beyond them it is winter.
    constexpr seconds first = seconds_of({-32760, 1, 1, 0, 0, 0});
    constexpr seconds last = seconds_of({32760, 1, 1, 0, 0, 0});
    if (t < first) return period(false, (seconds::min)(), first);
    if (t >= last) return period(false, last, (seconds::max)());
    const std::int32_t year = civil_of(t).year;
    const zone_period p = inside_year ? at_inside(t, year) : at_anywhere(t, year);
    return {p.from < first ? first : p.from, p.until > last ? last : p.until, p.offset, p.is_daylight, p.abbreviation};
  }

  // Its offset alone: less to reckon.
  constexpr std::int32_t offset_at(seconds t) const noexcept {
    constexpr seconds first = seconds_of({-32760, 1, 1, 0, 0, 0});
    constexpr seconds last = seconds_of({32760, 1, 1, 0, 0, 0});
    if (!has_daylight) return standard_offset;
    if (!inside_year || t < first || t >= last) return at(t).offset;
    const std::int32_t year = civil_of(t).year;
    const seconds s = start_of(year), e = end_of(year);
    return (s < e ? t >= s && t < e : t < e || t >= s) ? daylight_offset : standard_offset;
  }

  friend constexpr bool operator==(const tz_rule&, const tz_rule&) noexcept = default;

 private:
  // No change is near the turn of the year or near the other one, so the year that UTC shows will do for all of it.
  constexpr zone_period at_inside(seconds t, std::int32_t year) const noexcept {
    const seconds s = start_of(year), e = end_of(year);
    const bool north = s < e;
    const seconds low = north ? s : e, high = north ? e : s;
    if (t < low) return period(!north, north ? end_of(year - 1) : start_of(year - 1), low);
    if (t < high) return period(north, low, high);
    return period(!north, high, north ? start_of(year + 1) : end_of(year + 1));
  }

  // Changes may fall into a year other than their own. Where one year's end meets the next one's start it is always
  // summer: of two changes at one time, the end counts first.
  constexpr zone_period at_anywhere(seconds t, std::int32_t year) const noexcept {
    constexpr int years = 5;
    struct change {
      seconds at;
      bool starts;
    } changes[2 * years] = {};
    for (int i = 0; i < years; ++i) {
      changes[2 * i] = {end_of(year - 2 + i), false};
      changes[2 * i + 1] = {start_of(year - 2 + i), true};
    }
    const auto before = [](const change& a, const change& b) {
      return a.at != b.at ? a.at < b.at : !a.starts && b.starts;
    };
    for (int i = 1; i < 2 * years; ++i)
      for (int j = i; j > 0 && before(changes[j], changes[j - 1]); --j) std::swap(changes[j], changes[j - 1]);
    int i = 2 * years - 1;
    while (i > 0 && changes[i].at > t) --i;
    // i is the last one until t, and of those at one time the last one: the next is later. Two years follow t's, so
    // there is one.
    return period(changes[i].starts, changes[i].at, changes[i + 1].at);
  }
};

// What is wrong with a text. The names are what g++ shows of a literal that does not compile.
enum class tz_error : std::uint8_t {
  none,
  a_name_has_3_to_15_letters_or_stands_in_angle_brackets,
  an_offset_is_0_to_24_hours,
  daylight_saving_needs_its_rule,
  a_date_is_Mm_w_d_or_Jn_or_n,
  a_time_is_0_to_167_hours,
  after_the_rule_nothing_follows
};
inline constexpr std::size_t tz_errors = static_cast<std::size_t>(tz_error::after_the_rule_nothing_follows);
constexpr const char* message_of(tz_error e) noexcept {
  switch (e) {
    case tz_error::none:
      break;
    case tz_error::a_name_has_3_to_15_letters_or_stands_in_angle_brackets:
      return "time_zone: a name has 3 to 15 letters, or digits and signs too between < and >";
    case tz_error::an_offset_is_0_to_24_hours:
      return "time_zone: an offset is hours, hours:minutes or hours:minutes:seconds, up to 24 hours";
    case tz_error::daylight_saving_needs_its_rule:
      return "time_zone: daylight saving time needs its rule: ,M3.5.0,M10.5.0";
    case tz_error::a_date_is_Mm_w_d_or_Jn_or_n:
      return "time_zone: a date is Mmonth.week.day, Jn (1 to 365) or n (0 to 365)";
    case tz_error::a_time_is_0_to_167_hours:
      return "time_zone: the time of a change is up to 167 hours from midnight";
    case tz_error::after_the_rule_nothing_follows:
      return "time_zone: after the rule nothing follows";
  }
  return "";
}

template <tz_error E>
inline void time_zone_literal_is_wrong(std::size_t) noexcept {
  assert_failed(__FILE__, __LINE__, message_of(E));  // clang 14 takes a consteval constructor for a constexpr one
}
template <std::size_t... E>
constexpr void check_tz_literal(tz_error wrong, std::size_t position, std::index_sequence<E...>) noexcept {
  // Each enumerator but none has a function of its own, so that its name is in the message.
  static_cast<void>(((static_cast<std::size_t>(wrong) == E + 1 &&
                      (time_zone_literal_is_wrong<static_cast<tz_error>(E + 1)>(position), true)) ||
                     ...));
}

// Reads the text of a rule. The text is hostile: it may come from a file.
class tz_reader {
 public:
  constexpr tz_reader(std::string_view text, tz_rule& into) noexcept : text_(text), into_(into) {}

  // What is wrong, if anything, at position().
  constexpr tz_error read() noexcept {
    std::int32_t west = 0;
    if (!read_name(into_.standard) || !read_offset(west)) return wrong_;
    into_.standard_offset = -west;
    into_.has_daylight = at_ < text_.size();
    if (!into_.has_daylight) return wrong_;
    if (!read_name(into_.daylight)) return wrong_;
    into_.daylight_offset = into_.standard_offset + 3600;
    if (at_ < text_.size() && peek() != ',') {
      if (!read_offset(west)) return wrong_;
      into_.daylight_offset = -west;
    }
    if (!take(',')) return fail(tz_error::daylight_saving_needs_its_rule), wrong_;
    if (!read_date(into_.start)) return wrong_;
    if (!take(',')) return fail(tz_error::daylight_saving_needs_its_rule), wrong_;
    if (!read_date(into_.end)) return wrong_;
    if (at_ < text_.size()) return fail(tz_error::after_the_rule_nothing_follows), wrong_;
    into_.inside_year = into_.start.is_inside_year() && into_.end.is_inside_year() &&
                        (into_.start.is_before(into_.end) || into_.end.is_before(into_.start));
    return wrong_;
  }
  constexpr std::size_t position() const noexcept { return at_; }

 private:
  constexpr char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  constexpr bool take(char c) noexcept {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  constexpr bool fail(tz_error why) noexcept {
    wrong_ = why;
    return false;
  }
  static constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  constexpr bool read_name(char (&into)[tz_rule::name_size]) noexcept {
    constexpr tz_error why = tz_error::a_name_has_3_to_15_letters_or_stands_in_angle_brackets;
    const bool quoted = take('<');
    std::size_t n = 0;
    for (char& c : into) c = '\0';
    while (is_letter(peek()) || (quoted && (is_digit(peek()) || peek() == '+' || peek() == '-'))) {
      if (n == tz_rule::name_size - 1) return fail(why);
      into[n++] = text_[at_++];
    }
    if (n < 3 || (quoted && !take('>'))) return fail(why);
    return true;
  }

  // Up to three digits.
  constexpr bool read_number(std::int32_t& value) noexcept {
    value = 0;
    const std::size_t start = at_;
    while (is_digit(peek()) && at_ - start < 3) value = value * 10 + (text_[at_++] - '0');
    return at_ != start && !is_digit(peek());
  }

  // [+-]hours[:minutes[:seconds]]
  constexpr bool read_clock(std::int32_t& value, std::int32_t most_hours, tz_error why) noexcept {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int32_t hours = 0, minutes = 0, second = 0;
    if (!read_number(hours) || hours > most_hours) return fail(why);
    if (take(':') && (!read_number(minutes) || minutes > 59)) return fail(why);
    if (take(':') && (!read_number(second) || second > 59)) return fail(why);
    value = (hours * 60 + minutes) * 60 + second;
    if (negative) value = -value;
    return true;
  }
  constexpr bool read_offset(std::int32_t& west) noexcept {
    return read_clock(west, 24, tz_error::an_offset_is_0_to_24_hours);
  }

  constexpr bool read_date(tz_date& d) noexcept {
    constexpr tz_error why = tz_error::a_date_is_Mm_w_d_or_Jn_or_n;
    std::int32_t a = 0, b = 0, c = 0;
    if (take('M')) {
      if (!read_number(a) || a < 1 || a > 12 || !take('.') || !read_number(b) || b < 1 || b > 5 || !take('.') ||
          !read_number(c) || c > 6)
        return fail(why);
      d.form = tz_date::kind::weekday_of_month;
      d.month = static_cast<std::uint8_t>(a);
      d.week = static_cast<std::uint8_t>(b);
      d.weekday = static_cast<std::uint8_t>(c);
    } else {
      const bool without = take('J');
      if (!read_number(a) || a > 365 || (without && a < 1)) return fail(why);
      d.form = without ? tz_date::kind::without_leap_day : tz_date::kind::with_leap_day;
      d.day = static_cast<std::uint16_t>(a);
    }
    d.time = 2 * 3600;
    return !take('/') || read_clock(d.time, 167, tz_error::a_time_is_0_to_167_hours);
  }

  std::string_view text_;
  tz_rule& into_;
  std::size_t at_ = 0;
  tz_error wrong_ = tz_error::none;
};

// Of a literal: what is wrong with it does not compile.
constexpr tz_rule tz_literal(const char* text) noexcept {
  tz_rule rule;
  tz_reader reader(text, rule);
  const tz_error wrong = reader.read();
  check_tz_literal(wrong, reader.position(), std::make_index_sequence<tz_errors>{});
  return rule;
}

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_DETAIL_TZ_RULE_HPP
