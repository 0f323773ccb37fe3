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
#include <string>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "../../core/context.hpp"
#include "../../core/deadline.hpp"
#include "../random.hpp"
#include "chooser.hpp"
#include "ending.hpp"
#include "hooks.hpp"
#include "report.hpp"
#include "schedule.hpp"
#include "sleepers.hpp"
#include "step_counter.hpp"
#include "terminate.hpp"
#include "virtual_thread.hpp"

#if FRYS_EXCEPTIONS
#include <cxxabi.h>
#endif

namespace frys::inline FRYS_ABI::sim::detail {

class machine final : public run_hooks {
 public:
  machine() noexcept : run_hooks(&look_hook, &advance_hook, &seed_hook) {}

  // The machine of the run that the caller is in, or nullptr.
  static machine* current() noexcept { return static_cast<machine*>(running()); }

  // Runs body(argument) and all that it starts. Afterwards ok() and describe() tell how it went.
  void run(const run_options& options, std::uint64_t seed, const run_schedule* again, void (*body)(void*),
           void* argument) {
    reset(options, seed, again);
    virtual_thread* main = made("main", 0);
    if (main == nullptr) {
      ending_.what = verdict::no_end;
      ending_.failure = "the system has no memory for the stack of the body";
      return;
    }
    body_ = body;
    body_argument_ = argument;
    main->entry = &run_body;
    main->argument = this;
    runnable_.add(*main);
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
    threads_.abandon();
  }

  [[nodiscard]] bool ok() const noexcept { return ending_.what == verdict::completed; }
  [[nodiscard]] std::uint64_t hash() const noexcept {
    std::uint64_t h =
        hash_ ^ (count_.steps() + 1) * 0x9e3779b97f4a7c15u ^ static_cast<std::uint64_t>(sleepers_.now().count());
    h ^= static_cast<std::uint64_t>(ending_.what) << 56;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return count_.steps(); }

  void describe(run_report& out) const {
    ending_.describe(out);
    out.seed = seed_;
    out.steps = count_.steps();
    out.switches = switches_;
    out.hash = hash();
    out.time = sleepers_.now();
    out.how = chooser_.how();
    out.names = threads_.names();
    const std::uint64_t kept = (std::min)(switches_, std::uint64_t{trace_.size()});
    for (std::uint64_t i = switches_ - kept; i < switches_; ++i) out.last_switches.push_back(trace_[i % trace_.size()]);
    out.schedule = chooser_.kept();
  }

  // ---- steps

  // Before each operation of the thread that runs.
  FRYS_ALWAYS_INLINE void step(operation o, code_place at) noexcept {
    hash_ = (hash_ ^ static_cast<std::uint64_t>(o)) * 0x9e3779b97f4a7c15u;
    if (count_.step()) [[unlikely]]
      turn(o, at);
  }
  // A word was changed: somebody may be getting on.
  FRYS_ALWAYS_INLINE void wrote() noexcept { count_.wrote(); }

  // Lets somebody else run, if there is anybody.
  FRYS_NOINLINE void pause(code_place at) noexcept {
    const std::uint64_t before = switches_;
    step(operation::pause, at);
    if (chooser_.replays() || runnable_.size() < 2 || switches_ != before) return;
    settle();
    go_on(pick(true), operation::pause, at, false);
  }
  // One of 0 .. count - 1.
  std::uint32_t choose(std::uint32_t count, code_place at) noexcept {
    step(operation::choice, at);
    return count < 2 ? 0 : choice(count);
  }
  // Whether this compare_exchange_weak shall fail although it could succeed.
  bool fails_weakly() noexcept { return comes_up(weak_left_, options_.weak_fails_one_in); }

  // ---- time

  nanoseconds look_at_clock(code_place at) noexcept {
    step(operation::look, at);
    settle();
    arm();
    const nanoseconds t = sleepers_.now();
    advance(options_.look_time);
    return t;
  }
  void sleep(deadline until, code_place at) noexcept {
    step(operation::sleep, at);
    settle();
    arm();
    if (until.at <= sleepers_.now()) return;
    fall_asleep(nullptr, 0, until);
    block(operation::sleep, at);
  }

  [[nodiscard]] nanoseconds time_after(nanoseconds by) const noexcept { return sleepers_.time_after(by); }

  // ---- the futex

  // `word` is where the atomic lies, and holds `now`. False: the deadline has passed.
  bool wait(const void* word, const std::uint32_t& now, std::uint32_t old, deadline until, code_place at) noexcept {
    step(operation::wait, at);
    if (now != old) return true;
    settle();
    arm();
    if (until.at <= sleepers_.now()) return false;
    if (comes_up(spurious_left_, options_.spurious_one_in)) return true;
    fall_asleep(word, old, until);
    block(operation::wait, at);
    return !active_->timed_out;
  }
  void notify(const void* word, bool all, code_place at) noexcept {
    step(operation::notify, at);
    const std::uint32_t count = sleepers_.count_on(word);
    if (count == 0) return;
    const std::uint32_t skipped = all || count == 1 ? 0 : choice(count);
    settle();
    sleepers_.take(word, all, skipped, [&](virtual_thread& woken) { make_runnable(woken); });
    wrote_settled();
    arm();
  }
  // An atomic object of 32 bits is destroyed.
  void word_ends(const void* word) noexcept {
    if (const virtual_thread* t = sleepers_.first_on(word))
      fail(verdict::ended_word, "an atomic object is destroyed while " + threads_.name_of(*t) + " sleeps on it",
           active_->at);
  }
  [[nodiscard]] bool anybody_sleeps() const noexcept { return sleepers_.any_on_words(); }

  // ---- threads

  // nullptr: no more threads, or no memory for a stack.
  virtual_thread* start(const char* name, std::size_t stack_bytes, void (*entry)(void*), void* argument,
                        code_place at) {
    step(operation::start, at);
    if (threads_.alive() >= options_.most_threads) return nullptr;
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
      runnable_.remove(*active_);
      block(operation::join, at);
    }
    threads_.recycle(t);
  }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  // Tells runs apart, for handles that outlive theirs.
  [[nodiscard]] std::uint64_t number() const noexcept { return run_; }
  [[nodiscard]] std::uint32_t active_number() const noexcept { return active_->number; }

  void*& local(const void* tag) { return active_->local(tag); }

  // ---- the end

  // The caller's frame is never left by a return; nothing on its stack is destroyed.
  [[noreturn]] FRYS_NOINLINE void fail(verdict v, std::string why, code_place at) {
    settle();
    ending_.set(v, std::move(why), at, *active_, threads_, sleepers_);
    give_up();
  }
#if FRYS_EXCEPTIONS
  [[noreturn]] void fail_by_exception(verdict v, std::exception_ptr thrown) noexcept {
    ending_.thrown = std::move(thrown);
    std::string why = exception_text(v, ending_.thrown);
    fail(v, std::move(why), active_->at);
  }
#endif

 private:
  static constexpr std::uint64_t idle_after = 4096;  // steps without a change
  static constexpr std::uint64_t idle_every = 64;    // then time moves on, once in so many steps

  // ---- who goes on

  // The count is down: time for a look at the time, or for another thread.
  FRYS_NOINLINE void turn(operation o, code_place at) noexcept {
    settle();
    if (count_.steps() >= check_at_) check(o, at);
    if (count_.steps() >= chooser_.switch_at())
      go_on(pick(false), o, at, false);
    else
      arm();
  }
  // Writes down the steps since the last time.
  void settle() noexcept {
    if (count_.has_written()) idle_time_ = nanoseconds::zero();
    const std::uint32_t done = count_.settle();
    if (options_.step_time != nanoseconds::zero() && done != 0) advance(options_.step_time * std::int64_t{done});
  }
  void wrote_settled() noexcept {
    count_.set_last_write();
    idle_time_ = nanoseconds::zero();
  }
  // Begins to count to what comes first.
  void arm() noexcept { count_.arm((std::min)(chooser_.switch_at(), check_at_)); }
  void check(operation o, code_place at) noexcept {
    if (count_.steps() >= options_.most_steps) {
      active_->about_to = o;
      active_->at = at;
      fail(verdict::no_end, "the run takes more than " + std::to_string(options_.most_steps) + " steps", {});
    }
    chooser_.look_whether_it_fits(count_.steps(), count_.last_write(), runnable_);
    if (count_.since_last_write() >= idle_after) {
      // Nobody gets on: what they wait for, if anything, is time.
      const nanoseconds before = sleepers_.now();
      advance((std::max)((std::max)(options_.look_time, nanoseconds{1}), idle_time_ / 16));
      idle_time_ += sleepers_.now() - before;
      check_at_ = count_.steps() + idle_every;
    } else {
      check_at_ = count_.last_write() + idle_after;
    }
    check_at_ = (std::min)(check_at_, options_.most_steps);
  }

  // The thread that runs now goes on until the chooser is asked again.
  void plan() noexcept {
    chooser_.plan(*active_, count_.steps(), runnable_);
    arm();
  }
  virtual_thread* pick(bool pauses) noexcept {
    return chooser_.pick(*active_, pauses, count_.steps(), count_.last_write(), runnable_);
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
    if (!trace_.empty())
      trace_[switches_ % trace_.size()] = {count_.steps(), active_->number, next.number, o, blocked, at};
    ++switches_;
    hash_ = (hash_ ^ (std::uint64_t{next.number} + 256)) * 0x9e3779b97f4a7c15u;
    keep_segment(blocked);
  }
  void keep_segment(bool blocked) noexcept { chooser_.keep(*active_, blocked, count_.steps()); }
  // Those who can run without `active_`, which has left them.
  virtual_thread* next_of_others() noexcept {
    while (runnable_.empty()) {
      if (!sleepers_.has_deadline()) fail(verdict::deadlock, "nobody can go on", {});
      advance(sleepers_.first_deadline() - sleepers_.now());
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
    runnable_.add(t);
    if (active_->is == virtual_thread::state::can_run) chooser_.arrives(t, *active_, count_.steps());
  }

  // ---- sleep

  void fall_asleep(const void* word, std::uint32_t old, deadline until) noexcept {
    runnable_.remove(*active_);
    sleepers_.add(*active_, word, old, until);
  }
  // Time moves by `by`, but not past a deadline without its sleeper being woken at it.
  void advance(nanoseconds by) noexcept {
    sleepers_.advance(by, [this](virtual_thread& woken) {
      make_runnable(woken);
      wrote_settled();
    });
  }

  // ---- dice

  std::uint32_t choice(std::uint32_t count) noexcept {
    const std::uint32_t c = chooser_.choice(count);
    hash_ = (hash_ ^ (std::uint64_t{c} + 512)) * 0x9e3779b97f4a7c15u;
    return c;
  }
  // True at one call in `one_in` of this kind, never if that is 0; `left`: the calls until then.
  bool comes_up(std::uint32_t& left, std::uint32_t one_in) noexcept {
    if (one_in == 0 || --left != 0) return false;
    left = 1 + choice(2 * one_in - 1);
    return true;
  }

  // ---- life of threads

  virtual_thread* made(const char* name, std::size_t stack_bytes) {
    virtual_thread* t = threads_.make(name, (std::max)(stack_bytes, options_.stack_bytes));
    if (t != nullptr) chooser_.rank(*t);
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
    if (const std::string who = m.threads_.not_joined(); !who.empty())
      m.fail(verdict::leaked_threads, "nobody has joined " + who, {});
    m.active_->is = virtual_thread::state::has_ended;
    m.keep_segment(true);
    quick_context::leave_to(m.host_);
  }
  [[noreturn]] void finish() noexcept {
    settle();
    virtual_thread& t = *active_;
    runnable_.remove(t);
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
    keep_segment(true);
    // Not leave_to: so what lies in registers is on the stack, where LeakSanitizer looks for what is still known.
    quick_context::switch_to(active_->flow, host_);
    std::abort();
  }

  void reset(const run_options& options, std::uint64_t seed, const run_schedule* again) {
    options_ = options;
    seed_ = seed;
    run_ = next_run();
    threads_.clear();
    runnable_.clear();
    sleepers_.clear();
    ending_.clear();
    trace_.assign(options.trace, switch_record{});
    count_ = {};
    switches_ = seeds_ = 0;
    hash_ = 0x2545f4914f6cdd1du;
    idle_time_ = nanoseconds::zero();
    check_at_ = (std::min)(idle_after, options_.most_steps);
    chooser_.reset(options, seed, again);
    weak_left_ = options.weak_fails_one_in == 0 ? 0 : 1 + choice(options.weak_fails_one_in);
    spurious_left_ = options.spurious_one_in == 0 ? 0 : 1 + choice(options.spurious_one_in);
  }
  static std::uint64_t next_run() noexcept {
    static constinit thread_local std::uint64_t runs = 0;
    return ++runs;
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
    while (m.sleepers_.now() < at) m.advance(at - m.sleepers_.now());
    m.arm();
  }
  static std::uint64_t seed_hook(run_hooks& h) noexcept {
    auto& m = static_cast<machine&>(h);
    return random(m.seed_ ^ (++m.seeds_ * 0xd1342543de82ef95u))();
  }

  // The hot part.
  step_counter count_;
  std::uint64_t hash_ = 0;
  virtual_thread* active_ = nullptr;
  std::uint64_t check_at_ = 0;
  std::uint64_t switches_ = 0;
  nanoseconds idle_time_{0};  // that has passed since nobody gets on
  runnable_set runnable_;
  chooser chooser_;
  std::uint32_t weak_left_ = 0, spurious_left_ = 0;
  sleepers sleepers_;

  quick_context host_;
  thread_table threads_;
  void (*body_)(void*) = nullptr;
  void* body_argument_ = nullptr;
#if FRYS_EXCEPTIONS
  exception_state* exceptions_ = nullptr;
#endif

  run_options options_;
  std::uint64_t seed_ = 0, run_ = 0, seeds_ = 0;
  std::vector<switch_record> trace_;
  ending ending_;
  terminate_watch watch_{&on_terminate};
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_MACHINE_HPP
