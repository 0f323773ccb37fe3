// When does a schedule run, there, and what happens in the night in which the clocks change?
//
//   09_calendar ["<cron>" [zone]]     for example: 09_calendar "0 9 * * MON#1" America/New_York
//
// Shows the next runs of the schedule in the zone, then plays a year of a nightly job in a moment: the calendar's clock
// is a policy, and here it is one that stands still until it is told.
#include <frys/sched/calendar.hpp>
#include <frys/sim/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr frys::time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");  // read by the compiler

void print(const char* what, const frys::time_zone& zone, frys::seconds t) {
  const frys::civil_time c = zone.to_local(t);
  std::printf("%s %d-%02d-%02d %02d:%02d:%02d %s\n", what, c.year, c.month, c.day, c.hour, c.minute, c.second,
              zone.at(t).abbreviation);
}

// The library opens no file: who reads it decides where zones lie.
std::vector<std::byte> read_zone(const std::string& name) {
  std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
  std::vector<std::byte> out;
  for (std::istreambuf_iterator<char> c(in), end; c != end; ++c) out.push_back(static_cast<std::byte>(*c));
  return out;
}

int show_next(std::string_view text, const frys::time_zone& zone) {
  const frys::result<frys::cron> when = frys::cron::parse(text);
  if (!when) {
    std::printf("%.*s\n%*s^ %s\n", static_cast<int>(text.size()), text.data(), static_cast<int>(when.error().number),
                "", when.error().message);
    return 1;
  }
  const frys::zoned_cron zoned(*when, &zone);
  auto t = std::chrono::floor<frys::seconds>(frys::clocks::wall::now());
  for (int i = 0; i < 5; ++i) {
    const auto next = zoned.next(t);
    if (!next) {
      std::puts("it never comes");
      break;
    }
    print("next", zone, t = *next);
  }
  return 0;
}

int a_year_of_nights() {
  frys::sim::clock::advance_to(frys::seconds_of({2024, 1, 1, 0, 0, 0}));
  frys::calendar<frys::policy::clock<frys::sim::clock>> jobs;
  int runs = 0, odd = 0;
  frys::scheduled nightly([&](frys::calendar_job& job) {
    ++runs;
    if (berlin.to_local(job.scheduled()).minute == 30) return;
    ++odd;
    print("the night without half past two:", berlin, job.scheduled());
  });
  if (!jobs.add(nightly, "30 2 * * *", {.zone = &berlin})) return 1;
  while (frys::sim::clock::now() < frys::seconds_of({2025, 1, 1, 0, 0, 0})) {
    frys::sim::clock::advance(jobs.wait_time());
    jobs.advance();
  }
  std::printf("%d nights, %d runs, %d at another time\n", 366, runs, odd);
  return runs == 366 && odd == 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::byte> file = argc > 2 ? read_zone(argv[2]) : std::vector<std::byte>();
  const frys::result<frys::time_zone> zone =
      argc > 2 ? frys::time_zone::tzif(file) : frys::result<frys::time_zone>(berlin);
  if (!zone) {
    std::printf("%s: %s\n", argv[2], zone.error().message);
    return 1;
  }
  if (show_next(argc > 1 ? argv[1] : "30 2 * * MON-FRI", *zone) != 0) return 1;
  return a_year_of_nights();
}
