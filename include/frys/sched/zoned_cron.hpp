// zoned_cron: a cron expression in a time zone, as instants.
//
// Use when  "30 2 * * *" is meant in Berlin, and the question is which instant comes next.
// Choice    what a time of day that is missing or comes twice means. By default as Vixie's cron has it: a schedule of
//           fixed times (no * at the start of minute or hour) runs once for it, a missing one at the instant when the
//           clocks are put forward; one that runs by the interval (*/15 * * * *) runs as often as the clock shows it.
// Cost      next: cron::next, two or three look-ups of the zone; per period of the zone that it passes.
// Lifetime  the zone must outlive it.
// Threads   any: a value.
#ifndef FRYS_SCHED_ZONED_CRON_HPP
#define FRYS_SCHED_ZONED_CRON_HPP

#include <algorithm>
#include <cstdint>
#include <optional>

#include "../config.hpp"
#include "civil_time.hpp"
#include "cron.hpp"
#include "time_zone.hpp"

namespace frys::inline FRYS_ABI {

// What Vixie's cron does on a day of 23 or 25 hours.
constexpr local_choice usual_choice(const cron& when) noexcept {
  return when.is_interval() ? local_choice{when_missing::skip, when_repeated::both}
                            : local_choice{when_missing::at_change, when_repeated::first};
}

class zoned_cron {
 public:
  // Null: UTC.
  constexpr explicit zoned_cron(const cron& when, const time_zone* zone = nullptr) noexcept
      : zoned_cron(when, zone, usual_choice(when)) {}
  constexpr zoned_cron(const cron& when, const time_zone* zone, local_choice choice) noexcept
      : when_(when), zone_(zone), choice_(choice) {}

  constexpr const cron& when() const noexcept { return when_; }
  constexpr local_choice choice() const noexcept { return choice_; }
  constexpr civil_time to_local(seconds t) const noexcept {
    return zone_ == nullptr ? civil_of(t) : zone_->to_local(t);
  }

  // The first instant after `after`, or none: it never comes.
  constexpr std::optional<seconds> next(seconds after) const noexcept {
    constexpr seconds first = seconds_of(civil_limits::first) + seconds{time_zone::most_offset};
    constexpr seconds last = seconds_of(civil_limits::last) - seconds{time_zone::most_offset};
    if (after >= last) return std::nullopt;
    if (after < first) after = first;
    if (zone_ != nullptr) return next_in_zone(after);
    const std::optional<civil_time> t = when_.next(civil_of(after));
    if (!t) return std::nullopt;
    return seconds_of(*t);
  }

 private:
  // Period by period: inside one, clocks go evenly, and civil time and instants are in step.
  constexpr std::optional<seconds> next_in_zone(seconds after) const noexcept {
    // Further from a period's ends than that, no change matters.
    constexpr seconds reach{2 * time_zone::most_offset};
    zone_period p = zone_->at(after);
    for (;;) {
      std::optional<seconds> best;
      seconds from = after;  // instants after it
      if (p.from > after - reach) {
        from = (std::max)(after, p.from - seconds{1});
        const std::int32_t before = zone_->at(p.from - seconds{1}).offset;
        if (before < p.offset) best = missing(p, before, after);
        // Put back: what the period begins with has been shown before.
        if (before > p.offset && choice_.repeated != when_repeated::both && choice_.repeated != when_repeated::second)
          from = (std::max)(from, p.from + seconds{before - p.offset - 1});
      }
      const std::optional<civil_time> t = when_.next(time_zone::shown(from, p.offset));
      if (!t) return best;
      const seconds shows = seconds_of(*t);
      const seconds at = shows - seconds{p.offset};
      seconds until = p.until;
      if (at < p.until && p.until < at + reach) {
        // Put back: what the period ends with will be shown again.
        const std::int32_t later = zone_->at(p.until).offset;
        if (later < p.offset && (choice_.repeated == when_repeated::second || choice_.repeated == when_repeated::skip))
          until -= seconds{p.offset - later};
      }
      if (at < until && (!best || at < *best)) best = at;
      if (best || p.until == (seconds::max)()) return best;
      // Nothing matches between what `from` shows and `shows`; once a change of the clocks cannot lead back before
      // `from`, the periods in between need no look.
      const seconds go_on = p.until > from + reach ? (std::max)(p.until, shows - reach) : p.until;
      after = go_on - seconds{1};
      p = zone_->at(go_on);
    }
  }

  // The clocks were put forward at p.from, from `before`: the first instant after `after` of what is missing.
  constexpr std::optional<seconds> missing(const zone_period& p, std::int32_t before, seconds after) const noexcept {
    if (choice_.missing == when_missing::skip) return std::nullopt;
    const bool shift = choice_.missing == when_missing::shift;
    if (!shift && after >= p.from) return std::nullopt;
    // By the clock as it would have gone on, the missing times are those from p.from to end.
    const seconds end = p.from + seconds{p.offset - before};
    const seconds from = shift ? (std::max)(after, p.from - seconds{1}) : p.from - seconds{1};
    const std::optional<civil_time> t = when_.next(time_zone::shown(from, before));
    if (!t) return std::nullopt;
    const seconds at = seconds_of(*t) - seconds{before};
    if (at >= end) return std::nullopt;
    return shift ? at : p.from;
  }

  cron when_;
  const time_zone* zone_;
  local_choice choice_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ZONED_CRON_HPP
