#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <frys/sched/cron.hpp>

namespace {

using frys::civil_time;
using frys::cron;

constexpr civil_time at(std::int32_t year, unsigned month, unsigned day, unsigned hour = 0, unsigned minute = 0,
                        unsigned second = 0) {
  return {year,
          static_cast<std::uint8_t>(month),
          static_cast<std::uint8_t>(day),
          static_cast<std::uint8_t>(hour),
          static_cast<std::uint8_t>(minute),
          static_cast<std::uint8_t>(second)};
}

cron read(std::string_view text) {
  auto c = cron::parse(text);
  CAPTURE(std::string(text));
  REQUIRE(c.has_value());
  return *c;
}

std::vector<civil_time> days_of_year(const cron& c, std::int32_t year) {
  std::vector<civil_time> out;
  civil_time t = at(year - 1, 12, 31, 23, 59, 59);
  while (const auto n = c.next(t)) {
    if (n->year != year) break;
    out.push_back(*n);
    t = *n;
  }
  return out;
}

std::string listed(const std::vector<civil_time>& all) {
  std::string out;
  for (const civil_time& t : all) out += std::to_string(t.month) + "-" + std::to_string(t.day) + " ";
  return out;
}

// A second reading of what the fields mean: sets, and a look at every day.
struct plain_cron {
  std::set<unsigned> seconds, minutes, hours, days, months, weekdays;
  std::set<int> from_last, nearest;             // nearest 0: LW
  std::set<std::pair<unsigned, unsigned>> nth;  // weekday, 1 to 5; 6 is the last
  bool day_given = false, weekday_given = false;

  bool day_matches(std::int32_t y, unsigned m, unsigned d) const {
    if (months.count(m) == 0) return false;
    const unsigned length = frys::days_in_month(y, m);
    const auto of_week = [&](unsigned day) {
      return static_cast<unsigned>(
          frys::weekday_of(frys::civil_day{y, static_cast<std::uint8_t>(m), static_cast<std::uint8_t>(day)}));
    };
    bool by_day = days.count(d) != 0;
    for (const int n : from_last) by_day = by_day || static_cast<int>(length) - n == static_cast<int>(d);
    for (const int n : nearest) {
      const unsigned wanted = n == 0 ? length : static_cast<unsigned>(n);
      if (wanted > length) continue;
      // Of the working days of the month, the one with the least distance.
      unsigned best = 0, distance = 100;
      for (unsigned day = 1; day <= length; ++day) {
        if (of_week(day) == 0 || of_week(day) == 6) continue;
        const unsigned away = day > wanted ? day - wanted : wanted - day;
        if (away < distance) best = day, distance = away;
      }
      by_day = by_day || best == d;
    }
    bool by_weekday = weekdays.count(of_week(d)) != 0;
    for (const auto& [w, n] : nth)
      by_weekday = by_weekday || (of_week(d) == w && (n == 6 ? d + 7 > length : (d - 1) / 7 + 1 == n));
    return day_given && weekday_given ? by_day || by_weekday : by_day && by_weekday;
  }
  std::optional<civil_time> next(civil_time t) const {
    std::int32_t day = frys::days_of(t.date());
    const std::int32_t last = day + 366 * 45;
    for (bool same = true; day < last; ++day, same = false) {
      const frys::civil_day d = frys::day_of(day);
      if (!day_matches(d.year, d.month, d.day)) continue;
      for (const unsigned h : hours)
        for (const unsigned m : minutes)
          for (const unsigned s : seconds) {
            const civil_time c = at(d.year, d.month, d.day, h, m, s);
            if (!same || c > t) return c;
          }
    }
    return std::nullopt;
  }
};

struct dice {
  std::uint64_t x;
  unsigned operator()(unsigned n) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>((x >> 33) % n);
  }
};

// Writes a field and fills the set it means. `to`: how far one may write beyond high (day of week: 7).
std::string random_field(dice& die, unsigned low, unsigned high, std::set<unsigned>& out, bool& given,
                         bool open = true) {
  const unsigned span = high - low + 1;
  std::string text;
  const unsigned items = 1 + die(3);
  for (unsigned i = 0; i < items; ++i) {
    if (i != 0) text += ',';
    const unsigned kind = die(open && i == 0 ? 5 : 4);
    const unsigned a = low + die(span), b = low + die(span), step = 1 + die(high);
    const auto fill = [&](unsigned from, unsigned length, unsigned by) {
      for (unsigned k = 0; k <= length; k += by) out.insert(low + (from - low + k) % span);
    };
    if (i == 0) given = kind != 4;
    if (kind == 0 || kind == 1) {
      text += std::to_string(a);
      fill(a, 0, 1);
    } else if (kind == 2) {
      text += std::to_string(a) + "-" + std::to_string(b);
      fill(a, (b + span - a) % span, 1);
    } else if (kind == 3) {
      text += std::to_string(a) + "-" + std::to_string(b) + "/" + std::to_string(step);
      fill(a, (b + span - a) % span, step);
    } else {
      text += "*/" + std::to_string(step);
      fill(low, span - 1, step);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("cron: five fields, six with seconds first") {
  CHECK(read("30 2 * * *").next(at(2024, 1, 1)) == at(2024, 1, 1, 2, 30));
  CHECK(read("30 2 * * *").next(at(2024, 1, 1, 2, 30)) == at(2024, 1, 2, 2, 30));
  CHECK(read("15 30 2 * * *").next(at(2024, 1, 1)) == at(2024, 1, 1, 2, 30, 15));
  CHECK(read("* * * * * *").next(at(2024, 1, 1)) == at(2024, 1, 1, 0, 0, 1));
  CHECK(read("  5\t4 * *  SUN ").next(at(2024, 1, 1)) == at(2024, 1, 7, 4, 5));
}

TEST_CASE("cron: across the ends of minute, hour, day, month and year") {
  const civil_time end = at(2023, 12, 31, 23, 59, 59);
  CHECK(cron("* * * * * *").next(end) == at(2024, 1, 1));
  CHECK(cron("* * * * *").next(end) == at(2024, 1, 1));
  CHECK(cron("0 0 1 * *").next(at(2024, 2, 29, 12)) == at(2024, 3, 1));
  CHECK(cron("59 23 31 12 *").next(end) == at(2024, 12, 31, 23, 59));
  CHECK(cron("0 0 31 * *").next(at(2024, 1, 31)) == at(2024, 3, 31));
  CHECK(cron("*/15 * * * *").next(at(2024, 1, 1, 0, 45)) == at(2024, 1, 1, 1));
  CHECK(cron("0 0 * * MON").next(at(2024, 12, 30)) == at(2025, 1, 6));
}

TEST_CASE("cron: 29 February, and a date that never comes") {
  CHECK(cron("0 0 29 2 *").next(at(2024, 2, 29)) == at(2028, 2, 29));
  CHECK(cron("0 0 29 2 *").next(at(2096, 2, 29)) == at(2104, 2, 29));  // 2100 is no leap year
  CHECK_FALSE(cron("0 0 30 2 *").next(at(2024, 1, 1)).has_value());
  CHECK_FALSE(cron("0 0 31 4,6,9,11 *").next(at(2024, 1, 1)).has_value());
  CHECK_FALSE(cron("0 0 30 2 *").previous(at(2024, 1, 1)).has_value());
  CHECK_FALSE(cron("* * * * *").next(frys::civil_limits::last).has_value());
  CHECK_FALSE(cron("* * * * *").previous(frys::civil_limits::first).has_value());
}

TEST_CASE("cron: whatever comes at all comes within 40 years") {
  // A year is one of fourteen: leap or not, and the weekday of its first day. 400 years repeat exactly.
  std::int32_t longest = 0;
  for (std::int32_t year = 2000; year < 2400; ++year) {
    const auto kind = [](std::int32_t y) {
      return std::pair(frys::is_leap_year(y), frys::weekday_of(frys::civil_day{y, 1, 1}));
    };
    std::int32_t next = year + 1;
    while (kind(next) != kind(year)) ++next;
    longest = next - year > longest ? next - year : longest;
  }
  CHECK(longest == 40);
  // And a schedule that has to wait so long finds its day, forwards and backwards.
  longest = 0;
  for (const char* text :
       {"0 0 ? 2 0#5", "0 0 ? 2 1#5", "0 0 ? 2 2#5", "0 0 ? 2 3#5", "0 0 ? 2 4#5", "0 0 ? 2 5#5", "0 0 ? 2 6#5"}) {
    const cron when = read(text);
    for (civil_time t = at(1600, 1, 1); t.year < 2400;) {
      const auto next = when.next(t);
      REQUIRE(next.has_value());
      if (when.matches(t)) {
        CHECK(when.previous(*next) == t);
        longest = next->year - t.year > longest ? next->year - t.year : longest;
      }
      t = *next;
    }
  }
  CHECK(longest == 40);
}

TEST_CASE("cron: day of month or day of week where both are given, both where one starts with *") {
  CHECK(listed(days_of_year(read("0 0 13 1 FRI"), 2023)) == "1-6 1-13 1-20 1-27 ");
  CHECK(listed(days_of_year(read("0 0 13 1 *"), 2023)) == "1-13 ");
  CHECK(listed(days_of_year(read("0 0 ? 1 FRI"), 2023)) == "1-6 1-13 1-20 1-27 ");
  CHECK(listed(days_of_year(read("0 0 */2 1 FRI"), 2023)) == "1-13 1-27 ");
  CHECK(listed(days_of_year(read("0 0 13 * */5"), 2023)) == "1-13 8-13 10-13 ");  // Sundays and Fridays
}

TEST_CASE("cron: names, ranges that wrap, steps") {
  CHECK(read("0 0 * * MON-FRI") == read("0 0 * * 1-5"));
  CHECK(read("0 0 * jan,DEC sun") == read("0 0 * 1,12 7"));
  CHECK(read("0 0 * * SAT-SUN") == read("0 0 * * 6,0"));
  CHECK(read("0 0 * * FRI-MON") == read("0 0 * * 5,6,0,1"));
  CHECK(read("0 0 * * 5-7") == read("0 0 * * 5,6,7"));
  CHECK(read("0 0 * * 0-7") == read("0 0 * * 0-6"));
  CHECK(read("0 0 * * 7-2") == read("0 0 * * 0-2"));
  CHECK(read("0 0 * * 1-7/2") == read("0 0 * * 1,3,5,0"));
  CHECK(read("0 22-2 * * *") == read("0 22,23,0,1,2 * * *"));
  CHECK(read("0 22-4/3 * * *") == read("0 22,1,4 * * *"));
  CHECK(read("7/20 0 * * *") == read("7,27,47 0 * * *"));
  CHECK(read("0 0 1/10 * *") == read("0 0 1,11,21,31 * *"));
  CHECK(read("0 0 * NOV-FEB *") == read("0 0 * 11,12,1,2 *"));
}

TEST_CASE("cron: the last day, days before it, and the nearest working day") {
  CHECK(listed(days_of_year(read("0 0 L * *"), 2023)) ==
        "1-31 2-28 3-31 4-30 5-31 6-30 7-31 8-31 9-30 10-31 11-30 12-31 ");
  CHECK(listed(days_of_year(read("0 0 L-3 2 *"), 2024)) == "2-26 ");
  CHECK(listed(days_of_year(read("0 0 L-28 2 *"), 2023)).empty());  // a month of 28 days has no such day
  CHECK(listed(days_of_year(read("0 0 LW * *"), 2023)) ==
        "1-31 2-28 3-31 4-28 5-31 6-30 7-31 8-31 9-29 10-31 11-30 12-29 ");
  CHECK(listed(days_of_year(read("0 0 15W 1,4,7 *"), 2023)) == "1-16 4-14 7-14 ");  // a Sunday and two Saturdays
  CHECK(listed(days_of_year(read("0 0 1W 4,7,10 *"), 2023)) == "4-3 7-3 10-2 ");    // never into another month
  CHECK(listed(days_of_year(read("0 0 31W 2,12 *"), 2023)) == "12-29 ");            // a day that is not there: none
  CHECK(listed(days_of_year(read("0 0 1,L,15W 2 *"), 2023)) == "2-1 2-15 2-28 ");
}

TEST_CASE("cron: the n-th and the last of a day of the week") {
  CHECK(listed(days_of_year(read("0 0 * 1-3 FRI#2"), 2023)) == "1-13 2-10 3-10 ");
  CHECK(listed(days_of_year(read("0 0 ? * MON#5"), 2023)) == "1-30 5-29 7-31 10-30 ");
  CHECK(listed(days_of_year(read("0 0 ? 1-3 5L"), 2023)) == "1-27 2-24 3-31 ");
  CHECK(listed(days_of_year(read("0 0 ? 1 SUN#1,7L"), 2023)) == "1-1 1-29 ");
  CHECK(listed(days_of_year(read("0 0 1 1 TUE#1"), 2023)) == "1-1 1-3 ");  // both given: either
}

TEST_CASE("cron: words for the usual ones") {
  CHECK(read("@yearly") == cron("0 0 1 1 *"));
  CHECK(read("@annually") == read("@yearly"));
  CHECK(read(" @Monthly ") == cron("0 0 1 * *"));
  CHECK(read("@weekly") == cron("0 0 * * 0"));
  CHECK(read("@daily") == read("@midnight"));
  CHECK(read("@hourly") == cron("0 * * * *"));
  CHECK(cron::yearly() == cron("@yearly"));
  CHECK(cron::monthly() == cron("@monthly"));
  CHECK(cron::weekly(frys::weekday::sunday) == cron("@weekly"));
  CHECK(cron::weekly() == cron("0 0 * * MON"));
  CHECK(cron::daily() == cron("@daily"));
  CHECK(cron::daily(5) == cron("0 5 * * *"));
  CHECK(cron::hourly() == cron("@hourly"));
}

TEST_CASE("cron: read by the compiler, next and previous too") {
  static constexpr cron nightly = "30 2 * * *";
  static_assert(nightly.next(at(2024, 2, 28, 12)) == at(2024, 2, 29, 2, 30));
  static_assert(nightly.previous(at(2024, 3, 1)) == at(2024, 2, 29, 2, 30));
  static_assert(nightly.matches(at(2024, 2, 29, 2, 30)) && !nightly.matches(at(2024, 2, 29, 2, 31)));
  static_assert(!nightly.is_interval() && cron("*/5 * * * *").is_interval() && cron("* 2 * * *").is_interval());
  static_assert(cron("0 0 L 2 *").next(at(2023, 1, 1)) == at(2023, 2, 28));
  static_assert(!cron("0 0 30 2 *").next(at(2023, 1, 1)).has_value());
  static_assert(sizeof(cron) == 48);
  CHECK(nightly == read("30 2 * * *"));
}

TEST_CASE("cron: what is wrong is told with its position") {
  const auto wrong = [](std::string_view text, std::int64_t position, std::string_view part) {
    const auto c = cron::parse(text);
    CAPTURE(std::string(text));
    REQUIRE_FALSE(c.has_value());
    CAPTURE(c.error().message);
    CHECK(c.error() == frys::errc::invalid_argument);
    CHECK(c.error().where == frys::domain::sched);
    CHECK(c.error().number == position);
    CHECK(std::string_view(c.error().message).find(part) != std::string_view::npos);
  };
  wrong("", 0, "five fields");
  wrong("   ", 3, "five fields");
  wrong("* * * *", 7, "five fields");
  wrong("* * * * * * *", 12, "five fields");
  wrong("60 * * * *", 0, "minute is 0 to 59");
  wrong("61 0 0 * * *", 0, "second is 0 to 59");
  wrong("0 24 * * *", 2, "hour is 0 to 23");
  wrong("0 0 0 * *", 4, "day of the month is 1 to 31");
  wrong("0 0 32 * *", 4, "day of the month is 1 to 31");
  wrong("0 0 * 13 *", 6, "month is 1 to 12");
  wrong("0 0 * JUM *", 6, "month is 1 to 12");
  wrong("0 0 * * 8", 8, "day of the week is 0 to 7");
  wrong("0 0 * * MOM", 8, "day of the week is 0 to 7");
  wrong("0 0 * * L", 8, "L needs its day of the week");
  wrong("0 MON * * *", 2, "numbers only");
  wrong("H H * * *", 0, "numbers only");
  wrong("*/0 * * * *", 2, "step is at least 1");
  wrong("*/60 * * * *", 2, "step is at least 1");
  wrong("1-  * * * *", 2, "number is missing");
  wrong("1,, * * * *", 2, "number is missing");
  wrong(",1 * * * *", 0, "number is missing");
  wrong("1, * * * *", 2, "number is missing");
  wrong("-1 * * * *", 0, "number is missing");
  wrong("5x * * * *", 1, "after a value");
  wrong("*5 * * * *", 1, "after a value");
  wrong("1-2-3 * * * *", 3, "after a value");
  wrong("? * * * *", 0, "?");
  wrong("0 0 ?/2 * *", 5, "? stands alone");
  wrong("0 0 L-31 * *", 6, "30 days");
  wrong("0 0 LX * *", 5, "after L");
  wrong("0 0 5WW * *", 6, "after W");
  wrong("0 0 1-5W * *", 7, "after a value");
  wrong("0 0 * * 1#6", 10, "1 to 5");
  wrong("0 0 * * 1#0", 10, "1 to 5");
  wrong("0 0 * * 1L2", 10, "after L or #");
  wrong("99999999999999999999 * * * *", 0, "this long");
  wrong("@reboot", 0, "words are");
  wrong("@daily x", 0, "words are");
  wrong("@", 0, "words are");
  wrong("0 0 * * \xc3\xa4", 8, "missing");
  wrong(std::string_view("0 0 * *\0 *", 10), 7, "after a value");
}

TEST_CASE("cron: next is what a look at every day finds, for random schedules and times") {
  dice die{42};
  for (int round = 0; round < 3000; ++round) {
    plain_cron plain;
    bool ignored = false;
    std::string text;
    if (die(2) == 0)
      text = random_field(die, 0, 59, plain.seconds, ignored) + " ";
    else
      plain.seconds = {0};
    text += random_field(die, 0, 59, plain.minutes, ignored) + " ";
    text += random_field(die, 0, 23, plain.hours, ignored) + " ";
    if (die(3) == 0) {
      plain.day_given = true;
      const unsigned n = die(31);
      switch (die(3)) {
        case 0:
          text += "L-" + std::to_string(n);
          plain.from_last.insert(static_cast<int>(n));
          break;
        case 1:
          text += std::to_string(n + 1) + "W";
          plain.nearest.insert(static_cast<int>(n) + 1);
          break;
        default:
          text += "LW,3";
          plain.nearest.insert(0);
          plain.days.insert(3);
          break;
      }
      text += " ";
    } else {
      text += random_field(die, 1, 31, plain.days, plain.day_given) + " ";
    }
    text += random_field(die, 1, 12, plain.months, ignored, die(2) == 0) + " ";
    if (die(3) == 0) {
      const unsigned w = die(7), n = 1 + die(6);
      plain.weekday_given = true;
      plain.nth.insert({w, n});
      text += std::to_string(w) + (n == 6 ? "L" : "#" + std::to_string(n));
    } else {
      text += random_field(die, 0, 6, plain.weekdays, plain.weekday_given);
    }
    const cron c = read(text);
    CAPTURE(text);
    civil_time t = at(1990 + static_cast<int>(die(200)), 1 + die(12), 1 + die(28), die(24), die(60), die(60));
    for (int i = 0; i < 5; ++i) {
      CAPTURE(t.year);
      CAPTURE(int{t.month});
      CAPTURE(int{t.day});
      const auto expected = plain.next(t);
      const auto found = c.next(t);
      REQUIRE(found == expected);
      if (!found) break;
      REQUIRE(c.matches(*found));
      // previous is the mirror image: from just behind what was found back to it, and from it to before t.
      const civil_time behind = frys::civil_of(frys::seconds_of(*found) + frys::seconds{1});
      REQUIRE(c.previous(behind) == found);
      if (const auto earlier = c.previous(*found)) {
        REQUIRE(*earlier <= t);
        REQUIRE(c.next(*earlier) == found);
      }
      t = *found;
    }
  }
}
