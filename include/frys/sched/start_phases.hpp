// start_phases: a program starts in the order of its dependencies, and stops in the reverse one.
//
// Use when  parts of a program need each other to be up: first the log, then the store, then the listeners; and some of
//           them are up only later (a connection, a recovery).
// Not when  the parts are types of one program and start at once: components orders them at compile time.
// Phases    A phase is started when all that it needs are up; those that do not need each other are on their way at the
//           same time. It answers by its token, at once or later. stop() stops what is up, one after the other, in the
//           reverse order in which it came up.
// Failures  A phase that fails, or takes longer than it may: nothing more is started, what is on its way is waited for
//           (each has its own deadline), then what is up is stopped. Nothing waits for ever unless a phase says so.
// Threads   one at a time: the tokens too. Another thread hands its answer to this one (an executor's post).
// Cost      64 phases at most; no allocation; some 3 KiB.
// Errors    start: errc::invalid_argument where the phases need each other in a circle (cycle() names them), or a
//           phase's own error when all has been stopped already; errc::timed_out where one was too late.
// Lifetime  phases and tokens live no longer than start_phases, or are not used after it. Its end stops nothing.
//
// Policies, in any order, each at most once:
//   policy::clock<C>  the clock of the deadlines     default clocks::steady
#ifndef FRYS_SCHED_START_PHASES_HPP
#define FRYS_SCHED_START_PHASES_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "../core/clock.hpp"
#include "../core/deadline.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/dependency_order.hpp"

namespace frys::inline FRYS_ABI {

enum class phases_state : std::uint8_t {
  idle,      // not started
  starting,  // some are up, or on their way
  running,   // all are up
  stopping,  // asked to, or one has failed
  stopped,   // all that was up has been stopped
};

struct start_phase;

namespace detail {
class phases_core;
}

// How a phase answers that it is up, or stopped. One answer counts, copies of the token or not.
class phase_token {
 public:
  // It is up; for stop: it has stopped. False: nobody waits for it any more, because it was too late; take back what
  // was done.
  bool done() const noexcept;
  // It could not; it must have taken back what it had done. False: as above.
  bool fail(const error& why) const noexcept;
  // All is to stop: what is on its way to be up may fail early, with errc::cancelled.
  [[nodiscard]] bool stop_wanted() const noexcept;

 private:
  friend class detail::phases_core;
  phase_token(detail::phases_core& core, std::uint32_t number, std::uint32_t turn) noexcept
      : core_(&core), number_(number), turn_(turn) {}
  detail::phases_core* core_;
  std::uint32_t number_;
  std::uint32_t turn_;  // of the core: old tokens have an old one
};

// Derive from it or hold it.
struct start_phase {
  using function = void (*)(start_phase&, phase_token) noexcept;

  std::string_view name;                                   // lives as long as the phase
  function start = nullptr;                                // null: it is up at once
  function stop = nullptr;                                 // null: nothing to do
  nanoseconds start_within = nanoseconds{30'000'000'000};  // nanoseconds::max(): it may take for ever
  nanoseconds stop_within = nanoseconds{10'000'000'000};
};

// The first thing that went wrong.
struct phase_failure {
  const start_phase* phase = nullptr;  // null: nothing
  error why;
};

namespace detail {

class phases_core {
 public:
  explicit phases_core(nanoseconds (*now)()) noexcept : now_(now) {}
  phases_core(const phases_core&) = delete;
  phases_core& operator=(const phases_core&) = delete;

  result<void> add(start_phase& phase, std::span<start_phase* const> needs) noexcept;
  result<void> after(std::size_t phase, std::size_t needs) noexcept;
  std::size_t find(const start_phase& phase) const noexcept;
  std::size_t find(std::string_view name) const noexcept;
  result<void> start() noexcept;
  void stop() noexcept;
  void advance() noexcept;
  deadline next_deadline() const noexcept;
  bool answered(std::uint32_t number, std::uint32_t turn, const error* why) noexcept;

  std::size_t size() const noexcept { return count_; }
  phases_state state() const noexcept { return state_; }
  const phase_failure& failure() const noexcept { return failure_; }
  std::span<const start_phase* const> cycle() const noexcept { return {cycle_, cycle_length_}; }
  bool is_up(const start_phase& phase) const noexcept {
    const std::size_t i = find(phase);
    return i != none && entries_[i].at == stage::up;
  }
  void on_settled(void (*f)(void*, phases_state) noexcept, void* argument) noexcept {
    settled_ = f;
    argument_ = argument;
  }

  static constexpr std::size_t none = ~std::size_t{0};

 private:
  enum class stage : std::uint8_t { down, starting, up, stopping };
  struct entry {
    start_phase* phase = nullptr;
    deadline until;          // of what it is about
    std::uint32_t turn = 0;  // the token that counts
    stage at = stage::down;
  };

  bool changing() const noexcept { return state_ == phases_state::starting || state_ == phases_state::stopping; }
  bool at_rest() const noexcept { return state_ == phases_state::idle || state_ == phases_state::stopped; }
  static error started_already() noexcept {
    return {errc::busy, domain::sched, "start_phases: started already; stop first", 0};
  }
  void failed(const start_phase& phase, const error& why) noexcept {
    if (failure_.phase == nullptr) failure_ = {&phase, why};
    if (state_ == phases_state::starting) state_ = phases_state::stopping;
  }
  void call(std::size_t i, stage what, start_phase::function f, nanoseconds within) noexcept;
  bool start_some() noexcept;
  bool stop_some() noexcept;
  void go_on() noexcept;
  void settle(phases_state state) noexcept {
    state_ = state;
    if (settled_ != nullptr) settled_(argument_, state);
  }

  nanoseconds (*now_)();
  entry entries_[dependency_order::most];
  std::uint64_t needs_[dependency_order::most] = {};  // bit j: comes after j
  std::uint8_t up_[dependency_order::most] = {};      // in the order in which they came up
  const start_phase* cycle_[dependency_order::most] = {};
  std::size_t count_ = 0, up_count_ = 0, cycle_length_ = 0;
  std::uint64_t up_bits_ = 0;
  std::uint32_t turn_ = 0;
  phases_state state_ = phases_state::idle;
  bool going_on_ = false;
  phase_failure failure_;
  void (*settled_)(void*, phases_state) noexcept = nullptr;
  void* argument_ = nullptr;
};

}  // namespace detail

template <class... Policies>
class start_phases {
  using accepted = policy::keys<policy::clock_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::start_phases: unknown policy; it takes policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::start_phases: a policy is given twice; name each at most once");

 public:
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(clock_model<clock_type>,
                "frys::start_phases: policy::clock wants a type with a static now() in nanoseconds");

  start_phases() noexcept : core_([] { return clock_type::now(); }) {}

  // Before start, else errc::busy. `needs` have been added. errc::already_exists: there is one of that name;
  // errc::full: there are 64; errc::not_found: one of `needs` was not added.
  result<void> add(start_phase& phase, std::initializer_list<start_phase*> needs = {}) noexcept {
    return core_.add(phase, {needs.begin(), needs.size()});
  }
  // Before start, else errc::busy. `phase` comes after `needs`, both by name; errc::not_found: there is none of that
  // name.
  result<void> after(std::string_view phase, std::string_view needs) noexcept {
    return core_.after(core_.find(phase), core_.find(needs));
  }

  // From idle or stopped, else errc::busy. All that answer at once are up when it returns.
  result<void> start() noexcept { return core_.start(); }
  // From any state. What answers at once has stopped when it returns.
  void stop() noexcept { core_.stop(); }
  // Looks at the deadlines. Call it when next_deadline has passed.
  void advance() noexcept { core_.advance(); }
  [[nodiscard]] deadline next_deadline() const noexcept { return core_.next_deadline(); }

  [[nodiscard]] phases_state state() const noexcept { return core_.state(); }
  [[nodiscard]] bool is_up(const start_phase& phase) const noexcept { return core_.is_up(phase); }
  [[nodiscard]] std::size_t size() const noexcept { return core_.size(); }
  // Of the last start.
  [[nodiscard]] const phase_failure& failure() const noexcept { return core_.failure(); }
  // Where start has answered invalid_argument: each of these needs the next one, the last one needs the first.
  [[nodiscard]] std::span<const start_phase* const> cycle() const noexcept { return core_.cycle(); }
  // The cycle for people, "a > b > a", into `text`; cut where that is too short.
  std::string_view write_cycle(std::span<char> text) const noexcept {
    std::size_t n = 0;
    const auto write = [&](std::string_view part) {
      for (const char c : part)
        if (n < text.size()) text[n++] = c;
    };
    for (const start_phase* phase : cycle()) {
      write(phase->name);
      write(" > ");
    }
    if (!cycle().empty()) write(cycle().front()->name);
    return {text.data(), n};
  }
  // Called when all are up, or all has stopped; the last thing that a call of ours or of a token does.
  void on_settled(void (*f)(void*, phases_state) noexcept, void* argument = nullptr) noexcept {
    core_.on_settled(f, argument);
  }

 private:
  detail::phases_core core_;
};

namespace detail {

inline std::size_t phases_core::find(const start_phase& phase) const noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (entries_[i].phase == &phase) return i;
  return none;
}
inline std::size_t phases_core::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (entries_[i].phase->name == name) return i;
  return none;
}

inline result<void> phases_core::add(start_phase& phase, std::span<start_phase* const> needs) noexcept {
  if (!at_rest()) return started_already();
  if (count_ == dependency_order::most)
    return error{errc::full, domain::sched, "start_phases: there are 64 phases already", dependency_order::most};
  if (find(phase.name) != none)
    return error{errc::already_exists, domain::sched, "start_phases: there is a phase of that name", 0};
  std::uint64_t bits = 0;
  for (const start_phase* const needed : needs) {
    const std::size_t i = find(*needed);
    if (i == none) return error{errc::not_found, domain::sched, "start_phases: a phase that was not added", 0};
    bits |= std::uint64_t{1} << i;
  }
  entries_[count_].phase = &phase;
  needs_[count_++] = bits;
  return {};
}

inline result<void> phases_core::after(std::size_t phase, std::size_t needs) noexcept {
  if (!at_rest()) return started_already();
  if (phase == none || needs == none)
    return error{errc::not_found, domain::sched, "start_phases: there is no phase of that name", 0};
  needs_[phase] |= std::uint64_t{1} << needs;
  return {};
}

inline result<void> phases_core::start() noexcept {
  if (!at_rest()) return started_already();
  const dependency_order order = order_of({needs_, count_});
  cycle_length_ = order.has_circle ? order.count : 0;
  for (std::size_t i = 0; i < cycle_length_; ++i) cycle_[i] = entries_[order.order[i]].phase;
  if (order.has_circle)
    return error{errc::invalid_argument, domain::sched, "start_phases: phases need each other in a circle",
                 static_cast<std::int64_t>(cycle_length_)};
  failure_ = {};
  up_count_ = 0;
  up_bits_ = 0;
  state_ = phases_state::starting;
  go_on();
  if (state_ == phases_state::stopped && failure_.phase != nullptr) return failure_.why;
  return {};
}

inline void phases_core::stop() noexcept {
  if (state_ != phases_state::starting && state_ != phases_state::running) return;
  state_ = phases_state::stopping;
  go_on();
}

inline void phases_core::call(std::size_t i, stage what, start_phase::function f, nanoseconds within) noexcept {
  entry& e = entries_[i];
  e.at = what;
  e.turn = ++turn_;
  e.until = within == (nanoseconds::max)() ? deadline::never() : deadline{now_()};
  if (!e.until.is_never())
    e.until = within > (nanoseconds::max)() - e.until.at ? deadline::never() : deadline{e.until.at + within};
  const phase_token token(*this, static_cast<std::uint32_t>(i), e.turn);
  if (f == nullptr)
    token.done();
  else
    f(*e.phase, token);
}

// One round over those that may start. True: something has happened.
inline bool phases_core::start_some() noexcept {
  bool any = false;
  for (std::size_t i = 0; i < count_ && state_ == phases_state::starting; ++i) {
    if (entries_[i].at != stage::down || (needs_[i] & ~up_bits_) != 0) continue;
    any = true;
    call(i, stage::starting, entries_[i].phase->start, entries_[i].phase->start_within);
  }
  return any;
}

// Stops the last one that came up, once nothing is on its way any more. True: something has happened.
inline bool phases_core::stop_some() noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (entries_[i].at == stage::starting || entries_[i].at == stage::stopping) return false;
  if (up_count_ == 0) return false;
  const std::size_t last = up_[--up_count_];
  call(last, stage::stopping, entries_[last].phase->stop, entries_[last].phase->stop_within);
  return true;
}

// Does what can be done. Tokens that answer inside of it leave the rest to it, so the stack does not grow.
inline void phases_core::go_on() noexcept {
  if (going_on_ || !changing()) return;
  going_on_ = true;
  for (;;) {
    if (state_ == phases_state::starting && start_some()) continue;
    if (state_ == phases_state::stopping && stop_some()) continue;
    break;
  }
  going_on_ = false;
  if (state_ == phases_state::starting) {
    if (up_count_ == count_) settle(phases_state::running);
    return;
  }
  for (std::size_t i = 0; i < count_; ++i)
    if (entries_[i].at != stage::down) return;
  settle(phases_state::stopped);
}

inline bool phases_core::answered(std::uint32_t number, std::uint32_t turn, const error* why) noexcept {
  entry& e = entries_[number];
  if (e.turn != turn || (e.at != stage::starting && e.at != stage::stopping)) return false;
  const bool started = e.at == stage::starting && why == nullptr;
  e.at = started ? stage::up : stage::down;
  const std::uint64_t bit = std::uint64_t{1} << number;
  up_bits_ = started ? up_bits_ | bit : up_bits_ & ~bit;
  if (started) up_[up_count_++] = static_cast<std::uint8_t>(number);
  if (why != nullptr) failed(*e.phase, *why);
  go_on();
  return true;
}

inline void phases_core::advance() noexcept {
  if (!changing()) return;
  const nanoseconds now = now_();
  for (std::size_t i = 0; i < count_; ++i) {
    entry& e = entries_[i];
    if ((e.at != stage::starting && e.at != stage::stopping) || e.until.is_never() || now < e.until.at) continue;
    // Given up: its token answers false from now on.
    const error late{errc::timed_out, domain::sched,
                     e.at == stage::starting ? "start_phases: a phase was not up in time"
                                             : "start_phases: a phase did not stop in time",
                     0};
    answered(static_cast<std::uint32_t>(i), e.turn, &late);
  }
}

inline deadline phases_core::next_deadline() const noexcept {
  deadline first = deadline::never();
  for (std::size_t i = 0; i < count_; ++i) {
    const entry& e = entries_[i];
    if ((e.at == stage::starting || e.at == stage::stopping) && e.until < first) first = e.until;
  }
  return first;
}

}  // namespace detail

inline bool phase_token::done() const noexcept { return core_->answered(number_, turn_, nullptr); }
inline bool phase_token::fail(const error& why) const noexcept { return core_->answered(number_, turn_, &why); }
inline bool phase_token::stop_wanted() const noexcept { return core_->state() == phases_state::stopping; }

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_START_PHASES_HPP
