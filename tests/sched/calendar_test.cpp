#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <frys/sched/calendar.hpp>
#include <frys/sim/clock.hpp>

namespace {

using frys::civil_time;
using frys::local_choice;
using frys::nanoseconds;
using frys::seconds;
using frys::time_zone;
using frys::when_missing;
using frys::when_repeated;

constexpr time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
constexpr time_zone lord_howe("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");  // half an hour
constexpr time_zone havana("CST5CDT,M3.2.0/0,M11.1.0/1");               // midnight is missing, and comes twice

constexpr seconds utc(std::int32_t year, unsigned month, unsigned day, unsigned hour = 0, unsigned minute = 0,
                      unsigned second = 0) {
  return frys::seconds_of({year, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                           static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                           static_cast<std::uint8_t>(second)});
}

// A wall clock that a test sets, back too.
struct set_clock {
  static nanoseconds now() noexcept { return at; }
  static void set(seconds t, std::int64_t ns = 0) { at = nanoseconds{t.count() * 1'000'000'000 + ns}; }
  inline static nanoseconds at{0};
};
using test_calendar = frys::calendar<frys::policy::clock<set_clock>>;

// What a job has run for, and when.
struct log_job : frys::calendar_job {
  std::vector<seconds> runs;
  std::vector<seconds> at;
  log_job() : frys::calendar_job(&on_run) {}
  static void on_run(frys::calendar_job& job) noexcept {
    auto& self = static_cast<log_job&>(job);
    self.runs.push_back(self.scheduled());
    self.at.push_back(seconds{set_clock::at.count() / 1'000'000'000});
  }
};

// Lets time pass as a loop does that sleeps until it has to look.
template <class Calendar>
void pass_until(Calendar& c, seconds end) {
  const nanoseconds stop{end.count() * 1'000'000'000};
  while (set_clock::at < stop) {
    const nanoseconds wait = c.wait_time(nanoseconds{std::int64_t{365} * 86'400 * 1'000'000'000});
    set_clock::at = (std::min)(stop, set_clock::at + (std::max)(wait, nanoseconds{1}));
    c.advance();
  }
}

struct calendar_dice {
  std::uint64_t x;
  unsigned operator()(unsigned n) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>((x >> 33) % n);
  }
};

// All instants of `when` that civil days from `from` to `to` hold, by looking up each time of day.
std::vector<seconds> all_instants(const frys::cron& when, const time_zone& zone, local_choice choice, civil_time from,
                                  civil_time to) {
  std::vector<seconds> out;
  for (auto t = when.next(from); t && *t < to; t = when.next(*t)) {
    const frys::local_instants i = zone.instants(*t);
    if (i.form == frys::local_instants::kind::repeated && choice.repeated == when_repeated::both) {
      out.push_back(i.first);
      out.push_back(i.second);
    } else if (const auto one = zone.to_utc(*t, choice)) {
      out.push_back(*one);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

TEST_CASE("zoned_cron: next is the first of all instants that the choice leaves, for every choice and zone") {
  calendar_dice die{3};
  const std::vector<time_zone> zones{berlin,
                                     lord_howe,
                                     havana,
                                     time_zone::utc(),
                                     time_zone("AEST-10AEDT,M10.1.0,M4.1.0/3"),
                                     time_zone("IST-1GMT0,M10.5.0,M3.5.0/1"),
                                     time_zone("AAA-12BBB12,M4.2.0,M4.3.0"),  // a day is missing, and comes twice
                                     time_zone("XXX3EDT4,0/0,J365/23")};
  const std::vector<std::string> hours{"*", "*/2", "0-5", "2", "0,1,2,3", "23", "2-4/2"};
  const std::vector<std::string> minutes{"*/15", "0", "30", "0,30", "*", "7/20", "59"};
  for (int round = 0; round < 400; ++round) {
    const time_zone& zone = zones[die(static_cast<unsigned>(zones.size()))];
    const std::string text = minutes[die(static_cast<unsigned>(minutes.size()))] + " " +
                             hours[die(static_cast<unsigned>(hours.size()))] + " " + (die(3) == 0 ? "1-7" : "*") +
                             " * " + (die(3) == 0 ? "SUN" : "*");
    const frys::cron when = *frys::cron::parse(text);
    const auto choice = local_choice{static_cast<when_missing>(die(3)), static_cast<when_repeated>(die(4))};
    const frys::zoned_cron zoned(when, &zone, choice);
    const auto all = all_instants(when, zone, choice, {2023, 12, 20, 0, 0, 0}, {2025, 1, 10, 0, 0, 0});
    CAPTURE(text);
    CAPTURE(static_cast<int>(choice.missing));
    CAPTURE(static_cast<int>(choice.repeated));
    CAPTURE(std::string(zone.at(seconds{0}).abbreviation));
    // Around each change of the year, closely, and at random.
    std::vector<seconds> starts;
    for (frys::zone_period p = zone.at(utc(2024, 1, 1)); p.until < utc(2025, 1, 1); p = zone.at(p.until))
      for (std::int64_t d = -90'000; d <= 90'000; d += 1 + static_cast<std::int64_t>(die(3000)))
        starts.push_back(p.until + seconds{d});
    for (int i = 0; i < 20; ++i) starts.push_back(utc(2024, 1, 1) + seconds{die(365 * 86'400)});
    for (const seconds after : starts) {
      const auto expected = std::upper_bound(all.begin(), all.end(), after);
      const auto found = zoned.next(after);
      if (expected == all.end() || *expected > utc(2025, 1, 1)) {
        REQUIRE((!found || *found > utc(2024, 12, 25)));
        continue;
      }
      CAPTURE(after.count());
      REQUIRE(found.has_value());
      REQUIRE(found->count() == expected->count());
    }
  }
}

TEST_CASE("zoned_cron: rare schedules, with years of changes in between, on the days of changes too") {
  calendar_dice die{11};
  for (const char* text : {"0 0 29 2 *", "30 2 29 2 *", "30 2 31 3 *", "0,30 2 25 10 *", "*/20 2 29 10 *", "0 0 1 1 *",
                           "30 23 31 12 *", "30 0 * 3 SUN#2", "0 3 L 3 ?", "59 1 30 3 *", "0 2 L 10 ?"})
    for (const time_zone& zone : {berlin, lord_howe, havana, time_zone("AAA-12BBB12,M4.2.0,M4.3.0")})
      for (unsigned c = 0; c < 12; ++c) {
        const auto choice = local_choice{static_cast<when_missing>(c % 3), static_cast<when_repeated>(c / 3)};
        const frys::cron when = *frys::cron::parse(text);
        const frys::zoned_cron zoned(when, &zone, choice);
        const auto all = all_instants(when, zone, choice, {1999, 12, 20, 0, 0, 0}, {2031, 1, 1, 0, 0, 0});
        CAPTURE(text);
        CAPTURE(c);
        for (int i = 0; i < 60; ++i) {
          // Half of them close to a time that counts, half anywhere.
          const seconds after = i % 2 == 0 || all.empty()
                                    ? utc(2000, 1, 1) + seconds{std::int64_t{die(20 * 365)} * 86'400 + die(86'400)}
                                    : all[die(static_cast<unsigned>(all.size() / 2 + 1))] -
                                          seconds{100'000 - static_cast<std::int64_t>(die(200'000))};
          const auto expected = std::upper_bound(all.begin(), all.end(), after);
          if (expected == all.end()) continue;
          CAPTURE(after.count());
          const auto found = zoned.next(after);
          REQUIRE(found.has_value());
          REQUIRE(found->count() == expected->count());
        }
      }
}

TEST_CASE("zoned_cron: the usual choice is Vixie's: fixed times once, intervals by the clock") {
  constexpr frys::zoned_cron fixed("30 2 * * *", &berlin);
  static_assert(fixed.next(utc(2024, 3, 30, 12)) == utc(2024, 3, 31, 1));        // 03:00, there is no 02:30
  static_assert(fixed.next(utc(2024, 3, 31, 1)) == utc(2024, 4, 1, 0, 30));      // and the next day
  static_assert(fixed.next(utc(2024, 10, 26, 12)) == utc(2024, 10, 27, 0, 30));  // the first of two
  static_assert(fixed.next(utc(2024, 10, 27, 0, 30)) == utc(2024, 10, 28, 1, 30));
  constexpr frys::zoned_cron interval("*/30 2 * * *", &berlin);
  static_assert(interval.next(utc(2024, 3, 30, 12)) == utc(2024, 4, 1, 0));        // nothing on that day
  static_assert(interval.next(utc(2024, 10, 27, 0, 30)) == utc(2024, 10, 27, 1));  // four times on this one
  constexpr frys::zoned_cron never("0 0 30 2 *", &berlin);
  static_assert(!never.next(utc(2024, 1, 1)).has_value());
  CHECK_FALSE(fixed.next((seconds::max)()).has_value());
  CHECK(fixed.next((seconds::min)()).has_value());
  CHECK(frys::zoned_cron("0 0 29 2 *", &berlin).next(utc(2097, 1, 1)) == utc(2104, 2, 28, 23));
}

TEST_CASE("calendar: a year of jobs in Berlin, one day after the other") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  log_job nightly, quarter, leap;
  frys::job_options in_berlin;
  in_berlin.zone = &berlin;
  REQUIRE(c.add(nightly, "30 2 * * *", in_berlin));
  REQUIRE(c.add(quarter, "*/15 * * * *", in_berlin));
  REQUIRE(c.add(leap, "0 0 29 2 *"));
  CHECK(c.size() == 3);
  pass_until(c, utc(2025, 1, 1));
  CHECK(nightly.runs.size() == 366);
  CHECK(quarter.runs.size() == 366 * 96);
  CHECK(leap.runs == std::vector<seconds>{utc(2024, 2, 29)});
  CHECK(leap.next() == utc(2028, 2, 29));
  CHECK(nightly.runs == nightly.at);  // each at its second
  CHECK(quarter.runs == quarter.at);
  std::size_t other = 0;
  for (const seconds t : nightly.runs) {
    const civil_time shown = berlin.to_local(t);
    other += shown.hour == 2 && shown.minute == 30 ? 0 : 1;
  }
  CHECK(other == 1);  // the 31st of March
}

TEST_CASE("calendar: on sim::clock too") {
  frys::sim::clock::reset();
  frys::calendar<frys::policy::clock<frys::sim::clock>> c;
  int runs = 0;
  frys::scheduled hourly([&] { ++runs; });
  REQUIRE(c.add(hourly, "@hourly"));
  CHECK(c.next_deadline().at <= nanoseconds{std::int64_t{3'600} * 1'000'000'000});
  for (int i = 0; i < 48 * 60; ++i) {
    frys::sim::clock::advance(nanoseconds{std::int64_t{60} * 1'000'000'000});
    c.advance();
  }
  CHECK(runs == 48);
  frys::sim::clock::reset();
}

TEST_CASE("calendar: a job runs not early, and one that is added at its time waits for the next") {
  set_clock::set(utc(2024, 1, 1, 2, 29, 59), 999'999'999);
  test_calendar c;
  log_job job;
  REQUIRE(c.add(job, "30 2 * * *"));
  CHECK(c.advance() == 0);
  CHECK(c.wait_time() == nanoseconds{1});
  set_clock::set(utc(2024, 1, 1, 2, 30));
  CHECK(c.wait_time() == nanoseconds{0});
  log_job late;
  REQUIRE(c.add(late, "30 2 * * *"));
  CHECK(late.next() == utc(2024, 1, 2, 2, 30));
  CHECK(c.advance() == 1);
  CHECK(job.runs == std::vector<seconds>{utc(2024, 1, 1, 2, 30)});
  CHECK(c.wait_time() == nanoseconds{60'000'000'000});  // a minute at most
}

TEST_CASE("calendar: what never comes is told, and the job is not pending") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  log_job job;
  const auto added = c.add(job, "0 0 30 2 *");
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error() == frys::errc::not_found);
  CHECK(added.error().where == frys::domain::sched);
  CHECK_FALSE(job.is_pending());
  CHECK(c.empty());
  CHECK(c.next_deadline().is_never());
  REQUIRE(c.add(job, "0 0 * * *"));
  CHECK_FALSE(c.add(job, "0 0 30 2 *").has_value());  // taken out of the other schedule
  CHECK(c.empty());
}

TEST_CASE("calendar: missed runs are one, or each, or none") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  log_job once, each, skip, skip_far;
  frys::job_options o;
  REQUIRE(c.add(once, "0 * * * *", o));
  o.missed = frys::missed_runs::run_each;
  REQUIRE(c.add(each, "0 * * * *", o));
  o.missed = frys::missed_runs::skip;
  REQUIRE(c.add(skip, "0 * * * *", o));  // within a minute
  o.grace = nanoseconds{std::int64_t{90} * 60 * 1'000'000'000};
  REQUIRE(c.add(skip_far, "0 * * * *", o));
  set_clock::set(utc(2024, 1, 1, 5, 30));
  CHECK(c.advance() == 1 + 5 + 1);
  CHECK(once.runs == std::vector<seconds>{utc(2024, 1, 1, 1)});
  CHECK(each.runs.size() == 5);
  CHECK(each.runs.front() == utc(2024, 1, 1, 1));
  CHECK(each.runs.back() == utc(2024, 1, 1, 5));
  CHECK(skip.runs.empty());
  CHECK(skip_far.runs == std::vector<seconds>{utc(2024, 1, 1, 4)});  // the first that is not too late
  for (const log_job* j : {&once, &each, &skip, &skip_far}) CHECK(j->next() == utc(2024, 1, 1, 6));
  set_clock::set(utc(2024, 1, 1, 6), 500);
  CHECK(c.advance() == 4);  // in time
  CHECK(skip.runs.back() == utc(2024, 1, 1, 6));
}

TEST_CASE("calendar: missed runs of several jobs come in the order of their times") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  std::vector<int> order;
  frys::scheduled a([&] { order.push_back(1); });
  frys::scheduled b([&] { order.push_back(2); });
  frys::job_options o;
  o.missed = frys::missed_runs::run_each;
  REQUIRE(c.add(a, "0,20,40 * * * *", o));
  REQUIRE(c.add(b, "10,30,50 * * * *", o));
  set_clock::set(utc(2024, 1, 1, 1));
  CHECK(c.advance() == 6);
  CHECK(order == std::vector<int>{2, 1, 2, 1, 2, 1});
}

TEST_CASE("calendar: a clock set back a little repeats nothing and loses nothing") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  log_job job, daily;
  REQUIRE(c.add(job, "0 * * * *"));
  REQUIRE(c.add(daily, "0 12 * * *"));
  pass_until(c, utc(2024, 1, 1, 2, 30));
  CHECK(job.runs.size() == 2);
  set_clock::set(utc(2024, 1, 1, 0, 30));  // two hours back
  CHECK(c.advance() == 0);
  CHECK(job.next() == utc(2024, 1, 1, 3));
  CHECK(c.next_deadline().at <= nanoseconds{utc(2024, 1, 1, 3)});
  pass_until(c, utc(2024, 1, 1, 2, 59, 59));
  CHECK(job.runs.size() == 2);
  pass_until(c, utc(2024, 1, 1, 12));
  CHECK(job.runs.size() == 2 + 10);
  CHECK(daily.runs == std::vector<seconds>{utc(2024, 1, 1, 12)});
  CHECK(job.runs == job.at);
}

TEST_CASE("calendar: a clock set back far counts as a new time") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  log_job job;
  REQUIRE(c.add(job, "0 * * * *"));
  pass_until(c, utc(2024, 1, 1, 4, 30));
  CHECK(job.runs.size() == 4);
  set_clock::set(utc(2024, 1, 1, 1, 30));  // three hours back
  CHECK(c.advance() == 0);
  CHECK(job.next() == utc(2024, 1, 1, 2));
  pass_until(c, utc(2024, 1, 1, 4, 30));
  CHECK(job.runs.size() == 4 + 3);
  // Not by what the clock says but by the policy.
  set_clock::set(utc(2024, 1, 1));
  frys::calendar<frys::policy::clock<set_clock>, frys::policy::repeat_after<0>> always;
  log_job again;
  REQUIRE(always.add(again, "* * * * *"));
  pass_until(always, utc(2024, 1, 1, 0, 1, 30));
  set_clock::set(utc(2024, 1, 1));
  always.advance();
  CHECK(again.next() == utc(2024, 1, 1, 0, 1));
}

TEST_CASE("calendar: a job added while the clock is back, before the calendar has looked, runs at its time") {
  set_clock::set(utc(2024, 1, 2));
  test_calendar c;
  log_job old, fresh;
  REQUIRE(c.add(old, "0 0 * * *"));
  set_clock::set(utc(2024, 1, 1, 23));
  REQUIRE(c.add(fresh, "30 23 * * *"));
  CHECK(c.advance() == 0);
  CHECK(fresh.next() == utc(2024, 1, 1, 23, 30));
  pass_until(c, utc(2024, 1, 2, 0, 30));
  CHECK(fresh.runs == std::vector<seconds>{utc(2024, 1, 1, 23, 30)});
  CHECK(fresh.at == fresh.runs);
  CHECK(old.runs.empty());  // of the 3rd; it has seen the 2nd already
  CHECK(old.next() == utc(2024, 1, 3));
}

TEST_CASE("calendar: a callback may cancel its job, add it anew, cancel and destroy others, and destroy its own") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar c;
  int runs = 0;
  frys::scheduled once([&](frys::calendar_job& self) {
    ++runs;
    CHECK(self.is_pending());
    CHECK(self.next() == utc(2024, 1, 1, 0, 2));
    CHECK(self.cancel());
  });
  REQUIRE(c.add(once, "* * * * *"));
  pass_until(c, utc(2024, 1, 1, 0, 5));
  CHECK(runs == 1);
  CHECK_FALSE(once.is_pending());

  frys::scheduled anew([&](frys::calendar_job& self) {
    ++runs;
    (void)c.add(self, "0 12 * * *");
  });
  REQUIRE(c.add(anew, "* * * * *"));
  pass_until(c, utc(2024, 1, 1, 0, 10));
  CHECK(runs == 2);
  CHECK(anew.next() == utc(2024, 1, 1, 12));
  anew.cancel();

  // Two that are due in the same second: the first takes the second away.
  auto victim = std::make_unique<log_job>();
  frys::scheduled murderer([&] { victim.reset(); });
  REQUIRE(c.add(murderer, "* * * * *"));
  REQUIRE(c.add(*victim, "* * * * *"));
  pass_until(c, utc(2024, 1, 1, 0, 11));
  CHECK(victim == nullptr);
  CHECK(c.size() == 1);
  murderer.cancel();

  struct suicide : frys::calendar_job {
    suicide() : frys::calendar_job([](frys::calendar_job& j) noexcept { delete static_cast<suicide*>(&j); }) {}
  };
  auto* const gone = new suicide;
  REQUIRE(c.add(*gone, "* * * * *"));
  pass_until(c, utc(2024, 1, 1, 0, 12));
  CHECK(c.empty());
}

TEST_CASE("calendar: jobs and calendar die in any order") {
  set_clock::set(utc(2024, 1, 1));
  log_job survivor;
  {
    test_calendar c;
    log_job shorter;
    REQUIRE(c.add(survivor, "* * * * *"));
    REQUIRE(c.add(shorter, "* * * * *"));
    CHECK(c.size() == 2);
  }
  CHECK_FALSE(survivor.is_pending());
  CHECK_FALSE(survivor.cancel());
  test_calendar other;
  REQUIRE(other.add(survivor, "* * * * *"));
  CHECK(survivor.cancel());
  CHECK(other.empty());
}

TEST_CASE("calendar: a job in another calendar moves") {
  set_clock::set(utc(2024, 1, 1));
  test_calendar a, b;
  log_job job;
  REQUIRE(a.add(job, "* * * * *"));
  REQUIRE(b.add(job, "* * * * *"));
  CHECK(a.empty());
  CHECK(b.size() == 1);
}

namespace {
struct date_log : frys::date_hook {
  std::vector<frys::date_change> changes;
  date_log() : frys::date_hook(&on_change) {}
  static void on_change(frys::date_hook& hook, const frys::date_change& change) noexcept {
    static_cast<date_log&>(hook).changes.push_back(change);
  }
};
}  // namespace

TEST_CASE("calendar: a hook tells the end of each day, week, month and year") {
  set_clock::set(utc(2023, 12, 30, 12));
  test_calendar c;
  date_log hook;
  frys::date_hook_options o;
  o.zone = &berlin;
  REQUIRE(c.add(hook, o));
  pass_until(c, utc(2025, 1, 2));
  CHECK(hook.changes.size() == 2 + 366 + 1);
  int weeks = 0, months = 0, years = 0;
  for (const frys::date_change& d : hook.changes) {
    CHECK(frys::days_of(d.to) == frys::days_of(d.from) + 1);
    CHECK(d.week == (frys::weekday_of(d.to) == frys::weekday::monday));
    CHECK(d.month == (d.to.day == 1));
    CHECK(d.year == (d.to.day == 1 && d.to.month == 1));
    weeks += d.week, months += d.month, years += d.year;
  }
  CHECK(weeks == 53);
  CHECK(months == 13);
  CHECK(years == 2);
  CHECK(hook.today() == frys::civil_day{2025, 1, 2});
  CHECK(hook.changes.front().to == frys::civil_day{2023, 12, 31});
}

TEST_CASE("calendar: days that were missed are one change, or each their own") {
  set_clock::set(utc(2023, 12, 28));
  test_calendar c;
  date_log once, each;
  frys::date_hook_options o;
  REQUIRE(c.add(once, o));
  o.each_day = true;
  REQUIRE(c.add(each, o));
  set_clock::set(utc(2024, 1, 3, 5));
  c.advance();
  REQUIRE(once.changes.size() == 1);
  CHECK(once.changes[0].from == frys::civil_day{2023, 12, 28});
  CHECK(once.changes[0].to == frys::civil_day{2024, 1, 3});
  CHECK(once.changes[0].week);
  CHECK(once.changes[0].month);
  CHECK(once.changes[0].year);
  CHECK(each.changes.size() == 6);
  // Set back by days: no day is over; then forward again.
  set_clock::set(utc(2024, 1, 1));
  c.advance();
  CHECK(once.changes.size() == 1);
}

TEST_CASE("calendar: a day may begin at another hour, and where midnight is missing or comes twice") {
  set_clock::set(utc(2024, 3, 1));
  test_calendar c;
  date_log game, cuba;
  frys::date_hook_options o;
  o.day_begins = 5;
  o.week_begins = frys::weekday::sunday;
  REQUIRE(c.add(game, o));
  CHECK(game.today() == frys::civil_day{2024, 2, 29});  // until five
  frys::date_hook_options in_cuba;
  in_cuba.zone = &havana;
  REQUIRE(c.add(cuba, in_cuba));
  pass_until(c, utc(2024, 12, 1));
  CHECK(game.changes.size() == 275);
  for (const frys::date_change& d : game.changes) CHECK(d.week == (frys::weekday_of(d.to) == frys::weekday::sunday));
  CHECK(cuba.changes.size() == 275);
  for (const frys::date_change& d : cuba.changes) CHECK(frys::days_of(d.to) == frys::days_of(d.from) + 1);
}

TEST_CASE("calendar: change_between knows weeks across the ends of months and years") {
  static_assert(!frys::change_between({2023, 12, 31}, {2023, 12, 31}).week);
  static_assert(frys::change_between({2023, 12, 31}, {2024, 1, 1}).week);  // a Monday
  static_assert(!frys::change_between({2024, 1, 1}, {2024, 1, 7}).week);
  static_assert(frys::change_between({2024, 1, 1}, {2024, 1, 8}).week);
  static_assert(frys::change_between({2024, 1, 6}, {2024, 1, 7}, frys::weekday::sunday).week);
  static_assert(frys::change_between({2023, 5, 1}, {2024, 5, 1}).month);
  static_assert(frys::change_between({1969, 12, 28}, {1969, 12, 29}).week);
  CHECK(true);
}
