// machine: one OS thread that plays many: the virtual threads of sim::run, who of them goes on, what time it is, and
// what was wrong at the end. run.hpp, atomics.hpp and threads.hpp are its face.
//
// Each operation of sim::atomics is a step. Most steps count down and go on; at the end of the count the strategy
// chooses who runs next, and for how long. Time stands still but for looks at the clock, and moves on where nothing
// happens: when all sleep, to the first deadline; when those who run have written nothing for thousands of steps,
// faster and faster.
//
// Threads  one OS thread for each run; runs on several OS threads do not know each other.
#ifndef FRYS_SIM_RUN_MACHINE_HPP
#define FRYS_SIM_RUN_MACHINE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "../../core/context.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "../random.hpp"
#include "hooks.hpp"
#include "report.hpp"
#include "terminate.hpp"

#if FRYS_EXCEPTIONS
#include <cxxabi.h>
#endif
#if FRYS_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace frys::inline FRYS_ABI::sim::detail {

// What the C++ runtime keeps for a thread of the system: the exceptions being handled, and how many are under way. Each
// virtual thread has its own, so that one may be switched away from inside a catch block.
struct exception_state {
  void* caught = nullptr;
  std::uintptr_t uncaught = 0;
#if defined(__ARM_EABI_UNWINDER__)
  void* propagating = nullptr;
#endif
};

// How a run is to be done again: who ran for how many steps, and what the dice said.
struct run_schedule {
  struct segment {
    std::uint32_t thread = 0;
    std::uint64_t steps = 0;  // 0: until it could not go on
  };
  std::uint64_t seed = 0;
  std::vector<segment> segments;
  std::vector<std::uint32_t> choices;

  // seed: thread[xSteps] ... / choice ...
  [[nodiscard]] std::string text() const {
    std::string out = std::to_string(seed) + ":";
    for (const segment& s : segments) {
      out += ' ';
      out += std::to_string(s.thread);
      if (s.steps != 0) out += 'x', out += std::to_string(s.steps);
    }
    if (!choices.empty()) out += " /";
    for (const std::uint32_t c : choices) out += ' ', out += std::to_string(c);
    return out;
  }
  // What is no schedule ends where it stops being one.
  static run_schedule of(std::string_view text) {
    run_schedule out;
    std::size_t at = 0;
    const auto number = [&](std::uint64_t& n) {
      const std::size_t from = at;
      for (n = 0; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        n = n * 10 + static_cast<std::uint64_t>(text[at] - '0');
      return at != from;
    };
    const auto skip = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };
    if (!number(out.seed) || !skip(':')) return out;
    std::uint64_t n = 0;
    while (skip(' ') && number(n)) {
      segment s{static_cast<std::uint32_t>(n), 0};
      if (skip('x') && !number(s.steps)) return out;
      out.segments.push_back(s);
    }
    if (!skip('/')) return out;
    while (skip(' ') && number(n)) out.choices.push_back(static_cast<std::uint32_t>(n));
    return out;
  }
};

class machine final : public run_hooks {
 public:
  struct virtual_thread {
    quick_context flow;
    stack_memory stack;
    void (*entry)(void*) = nullptr;
    void* argument = nullptr;
    exception_state exceptions;
    std::uint32_t number = 0;  // in the order of starts
    std::uint32_t place = 0;   // among those that can run
    std::uint32_t priority = 0;
    std::uint64_t since = 0;  // the step at which it was switched to
    enum class state : std::uint8_t { unused, can_run, sleeps, joins, has_ended } is = state::unused;
    bool is_joinable = false;
    bool timed_out = false;
    operation about_to = operation::begin;
    code_place at;
    // asleep
    const void* word = nullptr;  // an atomic of 32 bits, or null
    std::uint32_t slept_while = 0;
    deadline until;
    std::size_t alarm = no_alarm;
    std::uint64_t alarm_number = 0;  // of two with the same deadline, who slept first
    virtual_thread* next_sleeper = nullptr;
    virtual_thread* joins = nullptr;
    virtual_thread* joiner = nullptr;
    const void* holds = nullptr;  // its function, on the heap
    // threads::local
    struct local_value {
      const void* tag = nullptr;
      void* value = nullptr;
    };
    std::vector<std::unique_ptr<local_value>> locals;
  };

  machine() noexcept : run_hooks(&look_hook, &advance_hook, &seed_hook) {}

  // The machine of the run that the caller is in, or nullptr.
  static machine* current() noexcept { return static_cast<machine*>(running()); }

  // Runs body(argument) and all that it starts. Afterwards ok() and describe() tell how it went.
  void run(const run_options& options, std::uint64_t seed, const run_schedule* again, void (*body)(void*),
           void* argument) {
    reset(options, seed, again);
    virtual_thread* main = made("main", 0);
    if (main == nullptr) {
      what_ = verdict::no_end;
      failure_ = "the system has no memory for the stack of the body";
      return;
    }
    body_ = body;
    body_argument_ = argument;
    main->entry = &run_body;
    main->argument = this;
    runnable_.push_back(main);
    active_ = main;
    main->flow.make(main->stack.span(), &begin, main);
    run_hooks* const outer = std::exchange(running(), this);
#if FRYS_EXCEPTIONS
    exceptions_ = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
    const exception_state outside = std::exchange(*exceptions_, exception_state{});
#endif
    const frys::detail::assert_taker outer_taker = std::exchange(frys::detail::assert_taker_here(), &on_assert);
    plan();
    quick_context::switch_to(host_, main->flow);
    frys::detail::assert_taker_here() = outer_taker;
#if FRYS_EXCEPTIONS
    *exceptions_ = outside;
#endif
    running() = outer;
    for (const auto& t : threads_)
      if (t->is != virtual_thread::state::unused) abandon(*t);
  }

  [[nodiscard]] bool ok() const noexcept { return what_ == verdict::completed; }
  [[nodiscard]] std::uint64_t hash() const noexcept {
    std::uint64_t h = hash_ ^ (steps_ + 1) * 0x9e3779b97f4a7c15u ^ static_cast<std::uint64_t>(now_.count());
    h ^= static_cast<std::uint64_t>(what_) << 56;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  void describe(run_report& out) const {
    out.what = what_;
    out.seed = seed_;
    out.steps = steps_;
    out.switches = switches_;
    out.hash = hash();
    out.time = now_;
    out.how = how();
    out.failure = failure_;
    out.where = where_;
    out.thread = guilty_ == nobody ? std::string() : names_[guilty_];
    out.names = names_;
    out.threads = states_;
#if FRYS_EXCEPTIONS
    out.thrown = thrown_;
#endif
    const std::uint64_t kept = (std::min)(switches_, std::uint64_t{trace_.size()});
    for (std::uint64_t i = switches_ - kept; i < switches_; ++i) out.last_switches.push_back(trace_[i % trace_.size()]);
    if (options_.keeps_schedule) out.schedule = kept_.text();
  }

  // ---- steps

  // Before each operation of the thread that runs.
  FRYS_ALWAYS_INLINE void step(operation o, code_place at) noexcept {
    hash_ = (hash_ ^ static_cast<std::uint64_t>(o)) * 0x9e3779b97f4a7c15u;
    if (--left_ == 0) [[unlikely]]
      turn(o, at);
  }
  // A word was changed: somebody may be getting on.
  FRYS_ALWAYS_INLINE void wrote() noexcept { wrote_at_ = left_; }

  // Lets somebody else run, if there is anybody.
  FRYS_NOINLINE void pause(code_place at) noexcept {
    const std::uint64_t before = switches_;
    step(operation::pause, at);
    if (replays_ || runnable_.size() < 2 || switches_ != before) return;
    settle();
    go_on(pick(true), operation::pause, at, false);
  }
  // One of 0 .. count - 1.
  std::uint32_t choose(std::uint32_t count, code_place at) noexcept {
    step(operation::choice, at);
    return count < 2 ? 0 : choice(count);
  }
  // Whether this compare_exchange_weak shall fail although it could succeed.
  bool fails_weakly() noexcept {
    if (options_.weak_fails_one_in == 0 || --weak_left_ != 0) return false;
    weak_left_ = 1 + choice(2 * options_.weak_fails_one_in - 1);
    return true;
  }

  // ---- time

  nanoseconds look_at_clock(code_place at) noexcept {
    step(operation::look, at);
    settle();
    arm();
    const nanoseconds t = now_;
    advance(options_.look_time);
    return t;
  }
  void sleep(deadline until, code_place at) noexcept {
    step(operation::sleep, at);
    settle();
    arm();
    if (until.at <= now_) return;
    fall_asleep(nullptr, 0, until);
    block(operation::sleep, at);
  }

  [[nodiscard]] nanoseconds time_after(nanoseconds by) const noexcept {
    return by > (nanoseconds::max)() - now_ ? (nanoseconds::max)() : now_ + by;
  }

  // ---- the futex

  // `word` is where the atomic lies, and holds `now`. False: the deadline has passed.
  bool wait(const void* word, const std::uint32_t& now, std::uint32_t old, deadline until, code_place at) noexcept {
    step(operation::wait, at);
    if (now != old) return true;
    settle();
    arm();
    if (until.at <= now_) return false;
    if (options_.spurious_one_in != 0 && --spurious_left_ == 0) {
      spurious_left_ = 1 + choice(2 * options_.spurious_one_in - 1);
      return true;
    }
    fall_asleep(word, old, until);
    block(operation::wait, at);
    return !active_->timed_out;
  }
  void notify(const void* word, bool all, code_place at) noexcept {
    step(operation::notify, at);
    virtual_thread** const list = &sleepers_[bucket(word)];
    std::uint32_t count = 0;
    for (const virtual_thread* t = *list; t != nullptr; t = t->next_sleeper) count += t->word == word ? 1u : 0u;
    if (count == 0) return;
    std::uint32_t wanted = all || count == 1 ? 0 : choice(count);
    settle();
    for (virtual_thread** t = list; *t != nullptr;) {
      if ((*t)->word != word || (!all && wanted-- != 0)) {
        t = &(*t)->next_sleeper;
        continue;
      }
      virtual_thread* const woken = *t;
      *t = woken->next_sleeper;
      wake(*woken, false);
      if (!all) break;
    }
    wrote_settled();
    arm();
  }
  // An atomic object of 32 bits is destroyed.
  void word_ends(const void* word) noexcept {
    for (const virtual_thread* t = sleepers_[bucket(word)]; t != nullptr; t = t->next_sleeper)
      if (t->word == word)
        fail(verdict::ended_word, "an atomic object is destroyed while " + names_[t->number] + " sleeps on it",
             active_->at);
  }
  [[nodiscard]] bool anybody_sleeps() const noexcept { return sleeping_ != 0; }

  // ---- threads

  // nullptr: no more threads, or no memory for a stack.
  virtual_thread* start(const char* name, std::size_t stack_bytes, void (*entry)(void*), void* argument,
                        code_place at) {
    step(operation::start, at);
    if (alive_ >= options_.most_threads) return nullptr;
    virtual_thread* t = made(name, stack_bytes);
    if (t == nullptr) return nullptr;
    t->entry = entry;
    t->argument = argument;
    t->flow.make(t->stack.span(), &begin, t);
    settle();
    make_runnable(*t);
    wrote_settled();
    arm();
    return t;
  }
  void join(virtual_thread& t, code_place at) noexcept {
    step(operation::join, at);
    while (t.is != virtual_thread::state::has_ended) {
      settle();
      t.joiner = active_;
      active_->joins = &t;
      active_->is = virtual_thread::state::joins;
      leave_runnable();
      block(operation::join, at);
    }
    t.is_joinable = false;
    t.joiner = nullptr;
    t.is = virtual_thread::state::unused;
    --alive_;
    free_.push_back(&t);
  }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  // Tells runs apart, for handles that outlive theirs.
  [[nodiscard]] std::uint64_t number() const noexcept { return run_; }
  [[nodiscard]] std::uint32_t active_number() const noexcept { return active_->number; }

  void*& local(const void* tag) {
    for (const auto& l : active_->locals)
      if (l->tag == tag) return l->value;
    active_->locals.push_back(std::make_unique<virtual_thread::local_value>());
    active_->locals.back()->tag = tag;
    return active_->locals.back()->value;
  }

  // ---- the end

  // The caller's frame is never left by a return; nothing on its stack is destroyed.
  [[noreturn]] FRYS_NOINLINE void fail(verdict v, std::string why, code_place at) {
    settle();
    what_ = v;
    std::string(std::move(why)).swap(failure_);  // nothing is left in `why`, which is never destroyed
    where_ = at;
    if (v != verdict::deadlock && v != verdict::no_end && v != verdict::leaked_threads) guilty_ = active_->number;
    give_up();
  }
#if FRYS_EXCEPTIONS
  [[noreturn]] void fail_by_exception(verdict v, std::exception_ptr thrown) noexcept {
    thrown_ = std::move(thrown);
    std::string why = v == verdict::terminated ? "std::terminate" : "an exception";
    if (thrown_) {
      if (v == verdict::terminated) why += " with an exception";
      try {
        std::rethrow_exception(thrown_);
      } catch (const std::exception& e) {
        why += std::string(": ") + e.what();
      } catch (const char* text) {
        why += std::string(": ") + text;
      } catch (...) {
      }
    }
    fail(v, std::move(why), active_->at);
  }
#endif

 private:
  static constexpr std::size_t no_alarm = ~std::size_t{0};
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  static constexpr std::uint64_t idle_after = 4096;  // steps without a change
  static constexpr std::uint64_t idle_every = 64;    // then time moves on, once in so many steps
  static constexpr std::uint64_t fair_after = 2048;  // pct: a thread that has changed nothing for so long steps back
  static constexpr std::uint64_t fair_limit = 20'000;
  static constexpr std::uint64_t unfit_after = 1u << 18;

  // ---- who goes on

  // The count is down: time for a look at the time, or for another thread.
  FRYS_NOINLINE void turn(operation o, code_place at) noexcept {
    settle();
    if (steps_ >= check_at_) check(o, at);
    if (steps_ >= switch_at_)
      go_on(pick(false), o, at, false);
    else
      arm();
  }
  // Writes down the steps since the last time.
  void settle() noexcept {
    const std::uint32_t done = armed_ - left_;
    if (wrote_at_ <= armed_) {
      last_write_ = steps_ + (armed_ - wrote_at_);
      idle_time_ = nanoseconds::zero();
      wrote_at_ = never_written;
    }
    steps_ += done;
    armed_ = left_;
    if (options_.step_time != nanoseconds::zero() && done != 0) advance(options_.step_time * std::int64_t{done});
  }
  void wrote_settled() noexcept {
    last_write_ = steps_;
    idle_time_ = nanoseconds::zero();
  }
  // Begins to count to what comes first.
  void arm() noexcept {
    const std::uint64_t next = (std::min)(switch_at_, check_at_);
    left_ = armed_ = next > steps_ ? static_cast<std::uint32_t>(next - steps_) : 1u;
    wrote_at_ = never_written;
  }
  void check(operation o, code_place at) noexcept {
    if (steps_ >= options_.most_steps) {
      active_->about_to = o;
      active_->at = at;
      fail(verdict::no_end, "the run takes more than " + std::to_string(options_.most_steps) + " steps", {});
    }
    // A schedule that lets a thread go on until it cannot, and one that spins for another: they do not fit.
    if (replays_ && switch_at_ == never && runnable_.size() > 1 && steps_ - last_write_ >= unfit_after) {
      replays_ = false;
      switch_at_ = steps_;
    }
    if (steps_ - last_write_ >= idle_after) {
      // Nobody gets on: what they wait for, if anything, is time.
      const nanoseconds before = now_;
      advance((std::max)((std::max)(options_.look_time, nanoseconds{1}), idle_time_ / 16));
      idle_time_ += now_ - before;
      check_at_ = steps_ + idle_every;
    } else {
      check_at_ = last_write_ + idle_after;
    }
    check_at_ = (std::min)(check_at_, options_.most_steps);
  }

  // When the thread that runs now is asked again.
  void plan() noexcept {
    active_->since = steps_;
    solo_ = false;
    if (replays_) {
      const std::uint64_t n = again_->segments[replayed_].steps;
      switch_at_ = n == 0 ? never : steps_ + n;
    } else if (strategy_ == strategy::pct) {
      switch_at_ = (std::min)(change_ < changes_.size() ? changes_[change_] : never, steps_ + fair_after);
      if (switch_at_ <= steps_) switch_at_ = steps_ + 1;
    } else {
      solo_ = runnable_.size() == 1;
      const std::uint32_t n = switch_one_in_;
      switch_at_ = solo_ ? never : steps_ + (strategy_ == strategy::round_robin || n == 1 ? n : 1 + dice(2 * n - 1));
    }
    arm();
  }
  virtual_thread* pick(bool pauses) noexcept {
    if (replays_) {
      if (virtual_thread* t = replayed()) return t;
    }
    const bool can_stay = active_->is == virtual_thread::state::can_run;
    const auto n = static_cast<std::uint32_t>(runnable_.size());
    if (n == 1) return runnable_[0];
    switch (strategy_) {
      case strategy::pct: {
        const bool is_due = change_ < changes_.size() && steps_ >= changes_[change_];
        if (can_stay && (pauses || is_due || steps_ - active_->since >= fair_limit ||
                         (steps_ - active_->since >= fair_after && steps_ - last_write_ >= fair_after)))
          active_->priority = --lowest_;
        if (is_due) ++change_;
        virtual_thread* best = runnable_[0];
        for (virtual_thread* t : runnable_)
          if (t->priority > best->priority || (t->priority == best->priority && t->number < best->number)) best = t;
        return best;
      }
      case strategy::round_robin: {
        virtual_thread* first = nullptr;  // of all
        virtual_thread* next = nullptr;   // behind the one that runs
        for (virtual_thread* t : runnable_) {
          if (first == nullptr || t->number < first->number) first = t;
          if (t->number > active_->number && (next == nullptr || t->number < next->number)) next = t;
        }
        return next != nullptr ? next : first;
      }
      default: {
        if (!can_stay || (switch_one_in_ == 1 && !pauses)) return runnable_[dice(n)];
        const std::uint32_t k = dice(n - 1);
        return runnable_[k >= active_->place ? k + 1 : k];
      }
    }
  }
  // Who comes next in the schedule; nullptr, and no schedule any more, where it does not fit.
  virtual_thread* replayed() noexcept {
    if (replayed_ + 1 < again_->segments.size()) {
      const std::uint32_t wanted = again_->segments[++replayed_].thread;
      for (virtual_thread* t : runnable_)
        if (t->number == wanted) return t;
    }
    replays_ = false;
    return nullptr;
  }
  void go_on(virtual_thread* next, operation o, code_place at, bool blocked) noexcept {
    virtual_thread& from = *active_;
    if (next == &from) {
      const std::uint64_t since = from.since;
      if (blocked) keep_segment(true);
      plan();
      if (!blocked) from.since = since;
      return;
    }
    from.about_to = o;
    from.at = at;
    note(*next, o, at, blocked);
    active_ = next;
    plan();
#if FRYS_EXCEPTIONS
    from.exceptions = std::exchange(*exceptions_, next->exceptions);
#endif
    quick_context::switch_to(from.flow, next->flow);
  }
  void note(const virtual_thread& next, operation o, code_place at, bool blocked) noexcept {
    if (!trace_.empty()) trace_[switches_ % trace_.size()] = {steps_, active_->number, next.number, o, blocked, at};
    ++switches_;
    hash_ = (hash_ ^ (std::uint64_t{next.number} + 256)) * 0x9e3779b97f4a7c15u;
    keep_segment(blocked);
  }
  void keep_segment(bool blocked) noexcept {
    if (options_.keeps_schedule) kept_.segments.push_back({active_->number, blocked ? 0 : steps_ - active_->since});
  }
  // Those who can run without `active_`, which has left them.
  virtual_thread* next_of_others() noexcept {
    while (runnable_.empty()) {
      if (alarms_.empty()) fail(verdict::deadlock, "nobody can go on", {});
      advance(alarms_[0]->until.at - now_);
    }
    return pick(false);
  }
  void block(operation o, code_place at) noexcept {
    settle();
    active_->about_to = o;
    active_->at = at;
    go_on(next_of_others(), o, at, true);
  }
  void make_runnable(virtual_thread& t) noexcept {
    t.is = virtual_thread::state::can_run;
    t.place = static_cast<std::uint32_t>(runnable_.size());
    runnable_.push_back(&t);
    if (replays_ || active_->is != virtual_thread::state::can_run) return;
    if (strategy_ == strategy::pct) {
      if (t.priority > active_->priority) switch_at_ = steps_ + 1;
    } else if (solo_) {
      solo_ = false;
      switch_at_ = steps_ + 1 + dice(2 * switch_one_in_ - 1);
    }
  }
  void leave_runnable() noexcept {
    runnable_.back()->place = active_->place;
    runnable_[active_->place] = runnable_.back();
    runnable_.pop_back();
  }

  // ---- sleep

  static std::size_t bucket(const void* word) noexcept {
    return reinterpret_cast<std::uintptr_t>(word) / alignof(std::uint32_t) % bucket_count;
  }
  void fall_asleep(const void* word, std::uint32_t old, deadline until) noexcept {
    virtual_thread& t = *active_;
    t.is = virtual_thread::state::sleeps;
    t.word = word;
    t.slept_while = old;
    t.until = until;
    t.timed_out = false;
    t.next_sleeper = nullptr;
    leave_runnable();
    if (word != nullptr) {
      ++sleeping_;
      virtual_thread** end = &sleepers_[bucket(word)];
      while (*end != nullptr) end = &(*end)->next_sleeper;
      *end = &t;
    }
    if (!until.is_never()) {
      t.alarm_number = ++alarm_numbers_;
      t.alarm = alarms_.size();
      alarms_.push_back(&t);
      rise(t.alarm);
    }
  }
  // Its list no longer holds it.
  void wake(virtual_thread& t, bool timed_out) noexcept {
    if (t.word != nullptr) --sleeping_;
    t.word = nullptr;
    t.timed_out = timed_out;
    if (t.alarm != no_alarm) drop_alarm(t);
    make_runnable(t);
  }
  // Time moves by `by`, but not past a deadline without its sleeper being woken at it.
  void advance(nanoseconds by) noexcept {
    nanoseconds to = by > (nanoseconds::max)() - now_ ? (nanoseconds::max)() : now_ + by;
    if (!alarms_.empty() && alarms_[0]->until.at <= to) to = (std::max)(alarms_[0]->until.at, now_);
    now_ = to;
    while (!alarms_.empty() && alarms_[0]->until.at <= now_) {
      virtual_thread& t = *alarms_[0];
      if (t.word != nullptr) {
        virtual_thread** p = &sleepers_[bucket(t.word)];
        while (*p != &t) p = &(*p)->next_sleeper;
        *p = t.next_sleeper;
      }
      wake(t, true);
      last_write_ = steps_;
      idle_time_ = nanoseconds::zero();
    }
  }
  // A heap of those with a deadline, the first one on top.
  static bool is_sooner(const virtual_thread& a, const virtual_thread& b) noexcept {
    return a.until.at != b.until.at ? a.until.at < b.until.at : a.alarm_number < b.alarm_number;
  }
  void put_alarm(std::size_t i, virtual_thread* t) noexcept {
    alarms_[i] = t;
    t->alarm = i;
  }
  void rise(std::size_t i) noexcept {
    virtual_thread* const t = alarms_[i];
    for (; i != 0 && is_sooner(*t, *alarms_[(i - 1) / 2]); i = (i - 1) / 2) put_alarm(i, alarms_[(i - 1) / 2]);
    put_alarm(i, t);
  }
  void sink(std::size_t i) noexcept {
    virtual_thread* const t = alarms_[i];
    for (std::size_t child = 2 * i + 1; child < alarms_.size(); child = 2 * i + 1) {
      if (child + 1 < alarms_.size() && is_sooner(*alarms_[child + 1], *alarms_[child])) ++child;
      if (!is_sooner(*alarms_[child], *t)) break;
      put_alarm(i, alarms_[child]);
      i = child;
    }
    put_alarm(i, t);
  }
  void drop_alarm(virtual_thread& t) noexcept {
    const std::size_t i = std::exchange(t.alarm, no_alarm);
    virtual_thread* const last = alarms_.back();
    alarms_.pop_back();
    if (last == &t) return;
    put_alarm(i, last);
    rise(i);
    sink(last->alarm);
  }

  // ---- dice

  std::uint32_t dice(std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>(((die_() >> 32) * std::uint64_t{count}) >> 32);
  }
  // Dice that a schedule remembers.
  std::uint32_t choice(std::uint32_t count) noexcept {
    std::uint32_t c = 0;
    if (again_ != nullptr && chosen_ < again_->choices.size())
      c = (std::min)(again_->choices[chosen_++], count - 1);
    else
      c = dice(count);
    if (options_.keeps_schedule) kept_.choices.push_back(c);
    hash_ = (hash_ ^ (std::uint64_t{c} + 512)) * 0x9e3779b97f4a7c15u;
    return c;
  }

  // ---- life of threads

  virtual_thread* made(const char* name, std::size_t stack_bytes) {
    if (free_.empty()) {
      threads_.push_back(std::make_unique<virtual_thread>());
      free_.push_back(threads_.back().get());
    }
    virtual_thread* t = free_.back();
    const std::size_t wanted = (std::max)(stack_bytes, options_.stack_bytes);
    if (t->stack.span().size() < wanted) {
      result<stack_memory> memory = stack_memory::allocate(wanted);
      if (!memory) return nullptr;
      t->stack = *std::move(memory);
    }
    free_.pop_back();
    t->number = static_cast<std::uint32_t>(names_.size());
    t->is = virtual_thread::state::can_run;
    t->place = 0;
    t->is_joinable = true;
    t->exceptions = {};
    t->about_to = operation::begin;
    t->at = {};
    t->word = nullptr;
    t->alarm = no_alarm;
    t->next_sleeper = nullptr;
    t->joins = t->joiner = nullptr;
    t->holds = nullptr;
    t->locals.clear();
    if (strategy_ == strategy::pct) t->priority = (1u << 31) | static_cast<std::uint32_t>(die_() >> 33);
    names_.push_back(std::to_string(t->number) + " " + (name != nullptr ? name : "thread"));
    ++alive_;
    return t;
  }
  static void begin(void* argument) {
    auto& t = *static_cast<virtual_thread*>(argument);
    t.entry(t.argument);
    current()->finish();
  }
  static void run_body(void* argument) {
    auto& m = *static_cast<machine*>(argument);
#if FRYS_EXCEPTIONS
    std::exception_ptr thrown;  // so that the catch block is over when the stack is given up
    try {
      m.body_(m.body_argument_);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown) m.fail_by_exception(verdict::exception, std::move(thrown));
#else
    m.body_(m.body_argument_);
#endif
    m.settle();
    std::string leaked;
    std::uint32_t count = 0;
    for (const auto& t : m.threads_) {
      if (!t->is_joinable || t->number == 0) continue;
      if (count++ < 8) leaked += (leaked.empty() ? "" : ", ") + m.names_[t->number];
    }
    if (count != 0)
      m.fail(verdict::leaked_threads, "nobody has joined " + leaked + (count > 8 ? " and others" : ""), {});
    m.active_->is = virtual_thread::state::has_ended;
    m.keep_segment(true);
    quick_context::leave_to(m.host_);
  }
  [[noreturn]] void finish() noexcept {
    settle();
    virtual_thread& t = *active_;
    leave_runnable();
    t.is = virtual_thread::state::has_ended;
    t.about_to = operation::end;
    t.at = {};
    wrote_settled();
    if (t.joiner != nullptr) {
      t.joiner->joins = nullptr;
      make_runnable(*t.joiner);
    }
    virtual_thread* next = next_of_others();
    note(*next, operation::end, {}, true);
    active_ = next;
    plan();
#if FRYS_EXCEPTIONS
    *exceptions_ = next->exceptions;
#endif
    quick_context::leave_to(next->flow);
  }

  // Leaves all stacks as they are.
  [[noreturn]] void give_up() {
    for (const auto& t : threads_)
      if (t->is != virtual_thread::state::unused) states_.push_back(state_of(*t));
    std::sort(states_.begin(), states_.end(),
              [](const std::string& a, const std::string& b) { return number_of(a) < number_of(b); });
    keep_segment(true);
    // Not leave_to: so what lies in registers is on the stack, where LeakSanitizer looks for what is still known.
    quick_context::switch_to(active_->flow, host_);
    std::abort();
  }
  static std::uint64_t number_of(const std::string& line) noexcept {
    std::uint64_t n = 0;
    for (const char c : line) {
      if (c < '0' || c > '9') break;
      n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return n;
  }
  [[nodiscard]] std::string state_of(const virtual_thread& t) const {
    using state = virtual_thread::state;
    std::string out = names_[t.number] + ": ";
    switch (t.is) {
      case state::unused:
        break;
      case state::has_ended:
        out += "has ended, and was not joined";
        break;
      case state::joins:
        out += "joins " + names_[t.joins->number] + place_text(t.at);
        break;
      case state::can_run:
        out += t.about_to == operation::begin ? std::string("can begin")
                                              : std::string("can go on with ") + name_of(t.about_to) + place_text(t.at);
        break;
      case state::sleeps:
        out += "sleeps" + place_text(t.at);
        if (t.word != nullptr) {
          const std::uint32_t now = *static_cast<const std::uint32_t*>(t.word);
          out += " while a word is " + std::to_string(t.slept_while);
          if (now != t.slept_while) out += ", which is " + std::to_string(now) + " now: nobody has notified it";
          // Whoever sleeps on the same word is named, since addresses are not.
          std::string others;
          for (const virtual_thread* s = sleepers_[bucket(t.word)]; s != nullptr; s = s->next_sleeper)
            if (s != &t && s->word == t.word) others += (others.empty() ? "" : ", ") + names_[s->number];
          if (!others.empty()) out += "; so does " + others;
        }
        if (!t.until.is_never()) out += "; until " + time_text(t.until.at);
        break;
    }
    return out;
  }

  void reset(const run_options& options, std::uint64_t seed, const run_schedule* again) {
    options_ = options;
    seed_ = seed;
    again_ = again;
    run_ = next_run();
    die_ = random(seed);
    free_.clear();
    for (const auto& t : threads_) {
      t->is = virtual_thread::state::unused;
      t->is_joinable = false;
    }
    for (std::size_t i = threads_.size(); i-- > 0;) free_.push_back(threads_[i].get());
    runnable_.clear();
    alarms_.clear();
    for (virtual_thread*& s : sleepers_) s = nullptr;
    names_.clear();
    states_.clear();
    failure_.clear();
    kept_.segments.clear();
    kept_.choices.clear();
    kept_.seed = seed;
    trace_.assign(options.trace, switch_record{});
    steps_ = last_write_ = switches_ = seeds_ = alarm_numbers_ = 0;
    hash_ = 0x2545f4914f6cdd1du;
    left_ = armed_ = 0;
    wrote_at_ = never_written;
    alive_ = sleeping_ = 0;
    now_ = idle_time_ = nanoseconds::zero();
    what_ = verdict::completed;
    where_ = {};
    guilty_ = nobody;
#if FRYS_EXCEPTIONS
    thrown_ = nullptr;
#endif
    replays_ = again != nullptr && !again->segments.empty();
    replayed_ = chosen_ = 0;
    check_at_ = (std::min)(idle_after, options_.most_steps);
    strategy_ = options.choose_by;
    switch_one_in_ = (std::max)(options.switch_one_in, 1u);
    depth_ = (std::max)(options.depth, 1u);
    pct_steps_ = (std::max)(options.pct_steps, 1u);
    if (strategy_ == strategy::mixed) {
      const std::uint32_t k = dice(10);
      strategy_ = k < 5 ? strategy::random_walk : k < 9 ? strategy::pct : strategy::round_robin;
      // Small ones more often: short programs need them, and long ones get enough of the others.
      switch_one_in_ = 1u << dice(1 + dice(9));
      depth_ = 2 + dice(3);
      pct_steps_ = 8u << dice(1 + dice(13));
    }
    changes_.clear();
    change_ = 0;
    lowest_ = 1u << 30;
    if (strategy_ == strategy::pct) {
      for (std::uint32_t i = 1; i < depth_; ++i) changes_.push_back(1 + dice(pct_steps_));
      std::sort(changes_.begin(), changes_.end());
    }
    weak_left_ = options.weak_fails_one_in == 0 ? 0 : 1 + choice(options.weak_fails_one_in);
    spurious_left_ = options.spurious_one_in == 0 ? 0 : 1 + choice(options.spurious_one_in);
  }
  [[nodiscard]] std::string how() const {
    if (again_ != nullptr) return replays_ ? "replay" : "replay; the schedule did not fit to the end";
    std::string out = name_of(strategy_);
    if (strategy_ == strategy::pct)
      return out + " of depth " + std::to_string(depth_) + " in " + std::to_string(pct_steps_);
    return out + ", a switch in " + std::to_string(switch_one_in_);
  }
  static std::uint64_t next_run() noexcept {
    static constinit thread_local std::uint64_t runs = 0;
    return ++runs;
  }
  // What was given up lies on the stack as it was. LeakSanitizer shall count what it knows as known.
  static void abandon([[maybe_unused]] virtual_thread& t) {
#if FRYS_ASAN
    if (t.holds != nullptr) __lsan_ignore_object(t.holds);
    if (t.is == virtual_thread::state::has_ended) return;
    __lsan_register_root_region(t.stack.span().data(), t.stack.span().size());
    __lsan_ignore_object(new stack_memory(std::move(t.stack)));
#endif
  }

  // ---- what would end the program ends the run

  static void on_terminate() noexcept {
    machine* const m = current();
    if (m == nullptr) return;
#if FRYS_EXCEPTIONS
    m->fail_by_exception(verdict::terminated, std::current_exception());
#else
    m->fail(verdict::terminated, "std::terminate", m->active_->at);
#endif
  }
  static void on_assert(const char* file, int line, const char* message) noexcept {
    current()->fail(verdict::assertion, message, {file, line});
  }

  // ---- what clock and random ask

  static nanoseconds look_hook(run_hooks& m) noexcept { return static_cast<machine&>(m).look_at_clock({}); }
  static void advance_hook(run_hooks& h, nanoseconds at) noexcept {
    auto& m = static_cast<machine&>(h);
    m.settle();
    while (m.now_ < at) m.advance(at - m.now_);
    m.arm();
  }
  static std::uint64_t seed_hook(run_hooks& h) noexcept {
    auto& m = static_cast<machine&>(h);
    return random(m.seed_ ^ (++m.seeds_ * 0xd1342543de82ef95u))();
  }

  static constexpr std::size_t bucket_count = 64;
  static constexpr std::uint32_t never_written = ~std::uint32_t{0};

  // The hot part.
  std::uint32_t left_ = 0;                  // steps to the next turn
  std::uint32_t wrote_at_ = never_written;  // `left_` when something was last changed, since arm
  std::uint64_t hash_ = 0;
  std::uint32_t armed_ = 0;  // `left_` when it was last settled
  bool replays_ = false;
  bool solo_ = false;
  strategy strategy_ = strategy::random_walk;
  virtual_thread* active_ = nullptr;
  std::uint64_t steps_ = 0;  // settled ones
  std::uint64_t switch_at_ = 0;
  std::uint64_t check_at_ = 0;
  std::uint64_t last_write_ = 0;
  std::uint64_t switches_ = 0;
  nanoseconds now_{0};
  nanoseconds idle_time_{0};  // that has passed since nobody gets on
  std::vector<virtual_thread*> runnable_;
  random die_;
  std::uint32_t weak_left_ = 0, spurious_left_ = 0;
  std::uint32_t switch_one_in_ = 1, depth_ = 1, pct_steps_ = 1;
  std::uint32_t lowest_ = 0;
  std::vector<std::uint64_t> changes_;
  std::size_t change_ = 0;

  std::vector<virtual_thread*> alarms_;
  virtual_thread* sleepers_[bucket_count] = {};
  std::uint64_t alarm_numbers_ = 0;
  std::uint32_t sleeping_ = 0, alive_ = 0;

  quick_context host_;
  std::vector<std::unique_ptr<virtual_thread>> threads_;
  std::vector<virtual_thread*> free_;
  void (*body_)(void*) = nullptr;
  void* body_argument_ = nullptr;
#if FRYS_EXCEPTIONS
  exception_state* exceptions_ = nullptr;
  std::exception_ptr thrown_;
#endif

  run_options options_;
  std::uint64_t seed_ = 0, run_ = 0, seeds_ = 0;
  const run_schedule* again_ = nullptr;
  std::size_t replayed_ = 0, chosen_ = 0;
  run_schedule kept_;
  std::vector<switch_record> trace_;
  std::vector<std::string> names_, states_;
  verdict what_ = verdict::completed;
  std::string failure_;
  code_place where_;
  std::uint32_t guilty_ = nobody;
  terminate_watch watch_{&on_terminate};
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_MACHINE_HPP
