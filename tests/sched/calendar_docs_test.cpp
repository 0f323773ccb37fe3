// The code of docs/calendar.md.
#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <frys/sched/calendar.hpp>
#include <frys/sched/components.hpp>
#include <frys/sched/cron.hpp>
#include <frys/sched/start_phases.hpp>
#include <frys/sched/time_zone.hpp>
#include <frys/sim/clock.hpp>

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

// [region calendar]
// A year in a moment: the same code with clocks::wall, the default, runs by the clock of the machine.
using jobs_calendar = frys::calendar<frys::policy::clock<frys::sim::clock>>;

int reports_of_a_year() {
  jobs_calendar jobs;
  int reports = 0;
  frys::scheduled report([&] { ++reports; });
  if (!jobs.add(report, "30 2 * * MON-FRI", {.zone = &berlin})) return -1;  // a time that never comes
  for (int day = 0; day < 365; ++day) {
    frys::sim::clock::advance(std::chrono::hours(24));  // a loop sleeps for jobs.wait_time() instead
    jobs.advance();
  }
  return reports;
}
// [endregion calendar]

// [region hook]
// Daily limits end at five in the morning, weekly ones with Sunday's.
struct limits : frys::date_hook {
  limits() : frys::date_hook(&on_change) {}
  static void on_change(frys::date_hook& hook, const frys::date_change& change) noexcept {
    auto& self = static_cast<limits&>(hook);
    self.today_spent = 0;
    if (change.week) self.week_spent = 0;
  }
  int today_spent = 0;
  int week_spent = 0;
};

void watch(jobs_calendar& jobs, limits& of_player) {
  (void)jobs.add(of_player, {.zone = &berlin, .day_begins = 5, .week_begins = frys::weekday::sunday});
}
// [endregion hook]

// [region phases]
struct log_file : frys::start_phase {
  log_file() {
    name = "log";
    start = [](frys::start_phase&, frys::phase_token up) noexcept { up.done(); };
  }
};

// Up when the other side has answered; the token waits for that.
struct upstream : frys::start_phase {
  upstream() {
    name = "upstream";
    start_within = std::chrono::seconds(5);
    start = [](frys::start_phase& self, frys::phase_token up) noexcept { static_cast<upstream&>(self).waiting = up; };
  }
  std::optional<frys::phase_token> waiting;
};

bool comes_up() {
  log_file log;
  upstream peer;
  frys::start_phases<> phases;
  if (!phases.add(log) || !phases.add(peer, {&log})) return false;
  if (!phases.start()) return false;  // a circle, or one has failed already
  peer.waiting->done();               // later, when its connection stands
  const bool up = phases.state() == frys::phases_state::running;
  phases.stop();  // peer, then log
  return up && phases.state() == frys::phases_state::stopped;
}
// [endregion phases]

// [region components]
struct settings {
  int port = 0;
};
struct journal {  // wants to be started and stopped
  frys::result<void> start() { return {}; }
  void stop() { open = false; }
  bool open = true;
};
struct world {  // wants to be ticked, after the journal is there
  using after = frys::after<journal>;
  void tick(frys::nanoseconds now) { time = now; }
  frys::nanoseconds time{0};
};
struct listener {  // wants to be configured, and something of this program's own
  using after = frys::after<world>;
  void config(const settings& s) { port = s.port; }
  void frame_end() { ++frames; }
  int port = 0, frames = 0;
};

using program = frys::components<listener, world, journal>;
// The order, and who is ticked: known to the compiler.
static_assert(std::is_same_v<program::in_order, frys::component_list<journal, world, listener>>);
static_assert(std::is_same_v<program::callees<frys::hooks::tick, frys::nanoseconds>, frys::component_list<world>>);

int run_frames(program& all, int frames) {
  if (!all.config(settings{8080}) || !all.start()) return -1;
  const auto frame_end = [](auto& part) requires requires { part.frame_end(); }
  { part.frame_end(); };
  for (int i = 1; i <= frames; ++i) {
    all.tick(std::chrono::milliseconds(20 * i));
    all.call(frame_end);
  }
  all.stop();
  return all.get<listener>().frames;
}
// [endregion components]

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

TEST_CASE("docs/calendar.md: jobs and hooks") {
  frys::sim::clock::reset();
  CHECK(reports_of_a_year() == 261);
  jobs_calendar jobs;
  limits player;
  watch(jobs, player);
  player.today_spent = player.week_spent = 3;
  frys::sim::clock::advance(std::chrono::hours(24));  // to Friday, 1 January 1971
  CHECK(jobs.advance() == 1);
  CHECK(player.today_spent == 0);
  CHECK(player.week_spent == 3);
  frys::sim::clock::advance(std::chrono::hours(72));
  CHECK(jobs.advance() == 1);
  CHECK(player.week_spent == 0);
  frys::sim::clock::reset();
}

TEST_CASE("docs/calendar.md: phases") { CHECK(comes_up()); }

TEST_CASE("docs/calendar.md: components") {
  program all;
  CHECK(run_frames(all, 3) == 3);
  CHECK(all.get<listener>().port == 8080);
  CHECK(all.get<world>().time == std::chrono::milliseconds(60));
  CHECK_FALSE(all.get<journal>().open);
}
