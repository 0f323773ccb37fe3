// calendar: runs jobs at the times of cron expressions, and tells when a day, week, month or year is over.
//
// Use when  one thread has things to do by the clock on the wall: nightly work, reports, the reset of daily limits.
// Not when  the delay counts and not the time of day (timer_wheel), or a job must survive the program (a log).
// Threads   one at a time; callbacks run in advance. A job starts no thread: what takes long it hands to somebody.
// Cost      add and cancel: cron::next and a wheel's operation. advance: O(runs). No allocation; the calendar is some
//           12 KiB, a job 160 bytes.
// Ordering  jobs run never early, in the order of their times; those of one second in the order they were placed.
// Jumps     the clock may be set. Forward, or the thread was away: missed_runs says what happens to what was missed.
//           Back by less than policy::repeat_after: nothing is repeated or skipped, the runs wait until the clock is
//           there again. Further back: it is a new time, and what it reaches runs again.
// Callbacks may cancel, add or destroy any job, their own too, but not destroy the calendar nor call its advance.
// Lifetime  jobs withdraw themselves; calendar and jobs may die in any order. A job's zone outlives it.
//
// Policies, in any order, each at most once:
//   policy::clock<C>         nanoseconds since 1970     default clocks::wall
//   policy::repeat_after<N>  seconds; see Jumps         default 10800
#ifndef FRYS_SCHED_CALENDAR_HPP
#define FRYS_SCHED_CALENDAR_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/clock.hpp"
#include "../core/deadline.hpp"
#include "../core/error.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "civil_time.hpp"
#include "cron.hpp"
#include "time_zone.hpp"
#include "timer_wheel.hpp"
#include "zoned_cron.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct repeat_after_key {};
// Seconds that a clock must be set back to have what it reaches again run again.
template <std::int64_t N>
struct repeat_after {
  using key = repeat_after_key;
  static constexpr std::int64_t value = N;
};
}  // namespace policy

// What happens to runs whose time has passed when advance is called.
enum class missed_runs : std::uint8_t {
  run_once,  // all that are due are one run, for the first of them
  run_each,  // each is a run, in order
  skip,      // one run if the last of them is not later than `grace`, else none
};

struct job_options {
  const time_zone* zone = nullptr;                    // null: UTC; outlives the job
  std::optional<local_choice> choice = std::nullopt;  // none: usual_choice (zoned_cron.hpp)
  missed_runs missed = missed_runs::run_once;
  nanoseconds grace = nanoseconds{60'000'000'000};
};

class calendar_job;

namespace detail {

struct calendar_tag;

class calendar_core {
 public:
  calendar_core(nanoseconds now, seconds repeat_after) noexcept;
  calendar_core(const calendar_core&) = delete;
  calendar_core& operator=(const calendar_core&) = delete;
  ~calendar_core();

  result<void> add(calendar_job& job, const zoned_cron& when, const job_options& options, nanoseconds now) noexcept;
  void remove(calendar_job& job) noexcept;
  void rings(calendar_job& job) noexcept;
  std::size_t advance(nanoseconds now) noexcept;
  deadline next_deadline() const noexcept;
  bool empty() const noexcept { return wheel_.empty(); }
  std::size_t size() const noexcept { return wheel_.size(); }

  static seconds floor_of(nanoseconds t) noexcept {
    const std::int64_t s = t.count() / 1'000'000'000;
    return seconds{s - (t.count() % 1'000'000'000 < 0 ? 1 : 0)};
  }
  // The end of what a clock of nanoseconds can show for what it cannot.
  static nanoseconds exactly(seconds t) noexcept {
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)() / 1'000'000'000;
    if (t.count() > most) return (nanoseconds::max)();
    if (t.count() < -most) return (nanoseconds::min)();
    return nanoseconds{t.count() * 1'000'000'000};
  }

 private:
  // The wheel's time is the clock's without what it was set back: it never goes back itself.
  nanoseconds in_wheel(seconds t) const noexcept { return exactly(t - base_); }
  bool place(calendar_job& job, std::optional<seconds> next) noexcept;
  void set_back(seconds from, seconds to) noexcept;

  using job_list = intrusive_list<calendar_job, calendar_tag>;
  timer_wheel<policy::capacity<64>> wheel_;
  job_list jobs_;  // all that wait
  seconds base_;   // the clock's time when the wheel's is 0
  seconds repeat_after_;
  nanoseconds now_;
  std::size_t runs_ = 0;
  bool advancing_ = false;
};

}  // namespace detail

// Derive from it or hold it. `run` is called by advance; the next run is in the calendar already, so it may cancel the
// job, add it anew or destroy it.
class calendar_job : private timer, public list_hook<detail::calendar_tag> {
 public:
  using function = void (*)(calendar_job&) noexcept;

  explicit calendar_job(function run) noexcept : timer(&on_timer), run_(run) {}
  calendar_job(const calendar_job&) = delete;
  calendar_job& operator=(const calendar_job&) = delete;
  ~calendar_job() { cancel(); }

  // True if it was to run, and will not now.
  bool cancel() noexcept {
    if (core_ == nullptr) return false;
    core_->remove(*this);
    return true;
  }
  [[nodiscard]] bool is_pending() const noexcept { return core_ != nullptr; }
  // When it will run; only when it is pending.
  [[nodiscard]] seconds next() const noexcept { return next_; }
  // The time for which it runs, or ran last: what the schedule says, not when advance was called.
  [[nodiscard]] seconds scheduled() const noexcept { return scheduled_; }
  [[nodiscard]] const zoned_cron& when() const noexcept { return when_; }

 private:
  friend class detail::calendar_core;
  using hook = list_hook<detail::calendar_tag>;
  using hook::is_linked;  // the calendar's
  using hook::unlink;
  static void on_timer(timer& t) noexcept {
    auto& job = static_cast<calendar_job&>(t);
    job.core_->rings(job);
  }

  function run_;
  detail::calendar_core* core_ = nullptr;  // where it is pending
  zoned_cron when_{cron::yearly()};
  missed_runs missed_ = missed_runs::run_once;
  nanoseconds grace_{0};
  seconds next_{0};
  seconds scheduled_{0};
};

// A job with a callable of its own, which may cancel the job or add it anew, but not destroy it. What it throws ends
// the program.
template <class F>
class scheduled : public calendar_job {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, calendar_job&>,
                "frys::scheduled: the callable takes nothing, or the job as calendar_job&");

 public:
  explicit scheduled(F f) noexcept(std::is_nothrow_move_constructible_v<F>) : calendar_job(&on_run), f_(std::move(f)) {}

 private:
  static void on_run(calendar_job& job) noexcept {
    auto& self = static_cast<scheduled&>(job);
    if constexpr (std::is_invocable_v<F&, calendar_job&>)
      self.f_(job);
    else
      self.f_();
  }

  F f_;
};

// What has changed from one date to another.
struct date_change {
  civil_day from, to;
  bool week = false;  // another week has begun, and so on; the day always has
  bool month = false;
  bool year = false;
};
// `week_begins` is the first day of a week. From a date to a later one.
constexpr date_change change_between(civil_day from, civil_day to, weekday week_begins = weekday::monday) noexcept {
  const auto week_of = [week_begins](civil_day d) {
    // Days since the first day of a week before the range; 1970 began with a Thursday.
    return (static_cast<std::uint32_t>(days_of(d)) + 700'000'004u - static_cast<std::uint32_t>(week_begins)) / 7;
  };
  return {from, to, week_of(from) != week_of(to), from.year != to.year || from.month != to.month, from.year != to.year};
}

struct date_hook_options {
  const time_zone* zone = nullptr;  // null: UTC; outlives the hook
  unsigned day_begins = 0;          // the hour at which a day begins: 0 to 23
  weekday week_begins = weekday::monday;
  bool each_day = false;  // a call for each of the days that were missed; else one for all of them
};

// Called when a day is over, with what else is over: a week, a month, a year. A midnight that the zone leaves out is
// the instant at which it does so. Derive from it or hold it.
class date_hook : private calendar_job {
 public:
  using function = void (*)(date_hook&, const date_change&) noexcept;

  explicit date_hook(function changed) noexcept : calendar_job(&on_run), changed_(changed) {}
  using calendar_job::cancel;
  using calendar_job::is_pending;
  using calendar_job::next;
  // The day it is now, as the hook has told it.
  [[nodiscard]] civil_day today() const noexcept { return today_; }

 private:
  template <class...>
  friend class calendar;
  civil_day day_at(seconds t) const noexcept {
    const seconds shown = seconds_of(when().to_local(t)) - seconds{std::int64_t{begins_} * 3600};
    return civil_of(shown).date();
  }
  static void on_run(calendar_job& job) noexcept {
    auto& self = static_cast<date_hook&>(job);
    const civil_day from = self.today_;
    const civil_day due = self.day_at(job.scheduled()), now = self.day_at(self.now_());
    self.today_ = self.each_day_ || due > now ? due : now;
    // A clock that was set back far: it is an earlier day, and none is over.
    if (self.today_ > from) self.changed_(self, change_between(from, self.today_, self.week_begins_));
  }

  function changed_;
  seconds (*now_)() = nullptr;
  civil_day today_;
  unsigned begins_ = 0;
  weekday week_begins_ = weekday::monday;
  bool each_day_ = false;
};

template <class... Policies>
class calendar {
  using accepted = policy::keys<policy::clock_key, policy::repeat_after_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::calendar: unknown policy; it takes policy::clock, policy::repeat_after and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::calendar: a policy is given twice; name each at most once");

 public:
  using clock_type = typename policy::pick<policy::clock<clocks::wall>, Policies...>::type;
  static constexpr std::int64_t repeat_after = policy::pick<policy::repeat_after<10'800>, Policies...>::value;
  static_assert(clock_model<clock_type>,
                "frys::calendar: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(repeat_after >= 0, "frys::calendar: policy::repeat_after wants seconds, not less than none");

  calendar() noexcept : core_(clock_type::now(), seconds{repeat_after}) {}

  [[nodiscard]] std::size_t size() const noexcept { return core_.size(); }
  [[nodiscard]] bool empty() const noexcept { return core_.empty(); }

  // From the next time after now on. errc::not_found: that time never comes. A pending job is taken out first.
  result<void> add(calendar_job& job, const cron& when, const job_options& options = {}) noexcept {
    const zoned_cron zoned =
        options.choice ? zoned_cron(when, options.zone, *options.choice) : zoned_cron(when, options.zone);
    return core_.add(job, zoned, options, clock_type::now());
  }
  result<void> add(date_hook& hook, const date_hook_options& options = {}) noexcept {
    FRYS_ASSERT(options.day_begins < 24, "calendar::add: a day begins at an hour from 0 to 23");
    hook.begins_ = options.day_begins;
    hook.week_begins_ = options.week_begins;
    hook.each_day_ = options.each_day;
    hook.now_ = [] { return detail::calendar_core::floor_of(clock_type::now()); };
    const result<void> added =
        add(hook, cron::daily(options.day_begins),
            {options.zone, std::nullopt, options.each_day ? missed_runs::run_each : missed_runs::run_once});
    if (added) hook.today_ = hook.day_at(hook.now_());
    return added;
  }

  // Runs what is due and answers how many runs there were. Call it when next_deadline has come; early does no harm.
  std::size_t advance() noexcept { return core_.advance(clock_type::now()); }

  // By policy::clock, so not by the clock that most loops sleep by; never() without jobs. Not too late for the first
  // job, perhaps before it.
  [[nodiscard]] deadline next_deadline() const noexcept { return core_.next_deadline(); }
  // How long a loop may sleep, by whatever clock. At most `at_most`: the clock on the wall may be set meanwhile.
  [[nodiscard]] nanoseconds wait_time(nanoseconds at_most = nanoseconds{60'000'000'000}) const noexcept {
    const nanoseconds now = clock_type::now();
    const nanoseconds at = core_.next_deadline().at;
    if (at <= now) return nanoseconds{0};
    if (now.count() < 0 && at > (nanoseconds::max)() + now) return at_most;
    return at - now < at_most ? at - now : at_most;
  }

 private:
  detail::calendar_core core_;
};

namespace detail {

inline calendar_core::calendar_core(nanoseconds now, seconds repeat_after) noexcept
    : wheel_(nanoseconds{0}, nanoseconds{1'000'000'000}),
      base_(floor_of(now)),
      repeat_after_(repeat_after),
      now_(now) {}

inline calendar_core::~calendar_core() {
  FRYS_ASSERT(!advancing_, "calendar: destroyed in a callback of its own");
  while (calendar_job* const job = jobs_.pop_front()) {
    wheel_.cancel(*job);
    job->core_ = nullptr;
  }
}

// False: there is no next time; the job is in no list.
inline bool calendar_core::place(calendar_job& job, std::optional<seconds> next) noexcept {
  if (!next) {
    job.core_ = nullptr;
    return false;
  }
  job.next_ = *next;
  job.core_ = this;
  jobs_.push_back(job);
  wheel_.add(job, in_wheel(*next));
  return true;
}

inline result<void> calendar_core::add(calendar_job& job, const zoned_cron& when, const job_options& options,
                                       nanoseconds now) noexcept {
  job.cancel();
  job.when_ = when;
  job.missed_ = options.missed;
  job.grace_ = options.grace;
  if (!place(job, when.next(floor_of(now))))
    return error{errc::not_found, domain::sched, "calendar: the time of this schedule never comes", 0};
  return {};
}

inline void calendar_core::remove(calendar_job& job) noexcept {
  wheel_.cancel(job);
  job_list::remove(job);
  job.core_ = nullptr;
}

inline void calendar_core::rings(calendar_job& job) noexcept {
  job_list::remove(job);
  const seconds now = floor_of(now_);
  seconds scheduled = job.next_;
  bool runs = true;
  const seconds done_until = job.missed_ == missed_runs::run_each ? scheduled : now;
  if (job.missed_ == missed_runs::skip && now_ - exactly(scheduled) > job.grace_) {
    // Is there one within the grace? Those from now - grace on; rounded up to a second, less one, for `next`.
    const nanoseconds oldest = now_ < (nanoseconds::min)() + job.grace_ ? (nanoseconds::min)() : now_ - job.grace_;
    const std::optional<seconds> late = job.when_.next(floor_of(oldest - nanoseconds{1}));
    runs = late && *late <= now;
    if (runs) scheduled = *late;
  }
  if (runs) job.scheduled_ = scheduled;
  place(job, job.when_.next(done_until));
  if (!runs) return;
  ++runs_;
  job.run_(job);  // which may destroy it
}

inline std::size_t calendar_core::advance(nanoseconds now) noexcept {
  FRYS_ASSERT(!advancing_, "calendar::advance: called in a callback of its own");
  advancing_ = true;
  if (floor_of(now) < floor_of(now_)) set_back(floor_of(now_), floor_of(now));
  now_ = now;
  runs_ = 0;
  // Second by second, so that what a run adds for a later one of them keeps its place.
  const nanoseconds until = exactly(floor_of(now) - base_);
  for (deadline next = wheel_.next_deadline(); !next.is_never() && next.at <= until; next = wheel_.next_deadline())
    wheel_.advance(next.at);
  wheel_.advance(until);
  advancing_ = false;
  return runs_;
}

// The clock was set from `from` back to `to`. The wheel's time goes on, so all jobs get other places in it.
inline void calendar_core::set_back(seconds from, seconds to) noexcept {
  base_ -= from - to;
  const bool anew = from - to >= repeat_after_;
  job_list jobs;
  jobs.splice_back(jobs_);
  while (calendar_job* const job = jobs.pop_front()) {
    wheel_.cancel(*job);
    place(*job, anew ? job->when_.next(to) : std::optional<seconds>(job->next_));
  }
}

inline deadline calendar_core::next_deadline() const noexcept {
  const deadline d = wheel_.next_deadline();
  if (d.is_never()) return d;
  return {exactly(floor_of(d.at) + base_)};
}

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_CALENDAR_HPP
