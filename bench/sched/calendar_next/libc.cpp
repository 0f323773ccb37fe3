// What one writes without a library: localtime_r, mktime, and a walk from day to day.
#include "workload.hpp"

#include <stdlib.h>
#include <time.h>

namespace {
struct zone {
  zone() {
    ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  static ::tm at(std::int64_t t) {
    const ::time_t c = t;
    ::tm out{};
    ::localtime_r(&c, &out);
    return out;
  }
  shown to_local(std::int64_t t) const {
    const ::tm c = at(t);
    return {c.tm_year + 1900, c.tm_mon + 1, c.tm_mday, c.tm_hour, c.tm_min, c.tm_sec};
  }
  std::int64_t to_utc(const shown& s) const {
    ::tm c{};
    c.tm_year = s.year - 1900;
    c.tm_mon = s.month - 1;
    c.tm_mday = s.day;
    c.tm_hour = s.hour;
    c.tm_min = s.minute;
    c.tm_sec = s.second;
    c.tm_isdst = -1;
    return ::mktime(&c);
  }
  std::int64_t next(std::int64_t t) const {
    ::tm day = at(t);
    day.tm_hour = 2;
    day.tm_min = 30;
    day.tm_sec = 0;
    for (;; ++day.tm_mday) {
      ::tm try_it = day;
      try_it.tm_isdst = -1;
      const ::time_t found = ::mktime(&try_it);  // sets the day of the week too
      if (found > t && try_it.tm_wday >= 1 && try_it.tm_wday <= 5) return found;
    }
  }
  std::int64_t leap(std::int64_t t) const {
    for (int year = at(t).tm_year;; ++year) {
      ::tm c{};
      c.tm_year = year;
      c.tm_mon = 1;
      c.tm_mday = 29;
      c.tm_isdst = -1;
      const ::time_t found = ::mktime(&c);
      if (found > t && c.tm_mon == 1) return found;
    }
  }
};
}  // namespace

BENCH_CONTENDER("libc") {
  zone z;
  return questions(settings, z);
}
