// check: runs a body of code under the model, over and over, until a fault is found or the explorer has seen enough.
//
//   auto r = model::check(model::exhaustive{}, [] {
//     treiber_stack<frys::atomics::model> s;
//     model::threads([&] { s.push(1); }, [&] { s.push(2); });
//     model::require(s.size() == 2, "nothing is lost");
//   });
//
// Explorers, by rising effort: random, pct, bounded, exhaustive; replay for one schedule. What each has covered stands
// in the report.
// Body      runs once per execution, as thread 0; must do the same whenever the model answers the same: no clocks, no
//           dice, no order of addresses. What it allocates by itself is lost when an execution is given up half-way.
// Threads   the check runs on the calling thread; model threads are fibers on it.
#ifndef FRYS_SIM_MODEL_CHECK_HPP
#define FRYS_SIM_MODEL_CHECK_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/result.hpp"
#include "../../memory/pages.hpp"
#include "atomics.hpp"
#include "execution.hpp"
#include "exhaustive.hpp"
#include "explore.hpp"
#include "report.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// Each execution that can be told apart, once. A proof for this body, within `most_executions` and `most_steps`.
struct exhaustive {
  std::uint64_t most_executions = 10'000'000;
  std::uint32_t most_steps = 5'000;     // per execution
  std::uint32_t most_thread_steps = 0;  // of each started thread, 0: no bound (wait-freedom, see progress.hpp)
};
// All interleavings with at most so many preemptions (switches away from a thread that could go on).
struct bounded {
  unsigned preemptions = 2;
  std::uint64_t most_executions = 10'000'000;
  std::uint32_t most_steps = 5'000;
};
// Dice.
struct random {
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 20'000;
};
// Priorities and depth - 1 random changes of them.
struct pct {
  unsigned depth = 3;
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 20'000;
};
// One schedule, as report::schedule() gave it.
struct replay {
  std::string_view schedule;
  std::uint32_t most_steps = 20'000;
};

// The world of a body that takes one: the same body then runs on real threads too (stress.hpp).
struct world {
  using atomics = model::atomics;
  template <class... F>
  static void threads(F&&... f);
  static void require(bool good, const char* what, const char* file = __builtin_FILE(),
                      unsigned line = static_cast<unsigned>(__builtin_LINE()));
};

// A thread of the model.
class thread {
 public:
  // `f` must stay until the thread was joined.
  template <class F>
  explicit thread(F& f, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : number_(detail::execution::current()->spawn([](void* p) { (*static_cast<F*>(p))(); }, std::addressof(f),
                                                    site{file, static_cast<unsigned>(line)})) {}
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;
  void join(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    detail::execution::current()->join(number_, site{file, static_cast<unsigned>(line)});
  }

 private:
  unsigned number_;
};

// Runs each of `f` in a thread of its own and waits for all of them.
template <class... F>
void threads(F&&... f) {
  detail::execution& e = *detail::execution::current();
  unsigned numbers[sizeof...(F)];
  std::size_t n = 0;
  ((numbers[n++] = e.spawn([](void* p) { (*static_cast<std::remove_reference_t<F>*>(p))(); },
                           const_cast<void*>(static_cast<const volatile void*>(std::addressof(f))), site{})),
   ...);
  for (const unsigned t : numbers) e.join(t, site{});
}

// A sentence that holds here, in every execution.
inline void require(bool good, const char* what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (detail::execution* e = detail::execution::current())
    e->require(good, what, site{file, static_cast<unsigned>(line)});
}
// One of 0 .. count - 1: each is tried.
inline std::uint32_t choose(std::uint32_t count, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return atomics::choose(count, site{file, static_cast<unsigned>(line)});
}

// A point in a model thread, ordered by happens-before: a < b if all that its thread had done at a is known at b. The
// stamps for a history (linearize.hpp) that is recorded under the model.
class moment {
 public:
  moment() noexcept = default;
  // Now, in the thread that runs.
  static moment now() noexcept {
    moment m;
    const detail::execution* e = detail::execution::current();
    if (e == nullptr) return m;
    m.thread_ = e->active();
    m.known_ = e->memory.threads[m.thread_].clock;
    m.step_ = e->steps();
    return m;
  }
  friend bool operator<(const moment& a, const moment& b) noexcept {
    if (a.thread_ == b.thread_) return a.step_ < b.step_;
    return b.known_.knows(a.thread_, a.known_.at[a.thread_]);
  }

 private:
  unsigned thread_ = 0;
  std::uint64_t step_ = 0;
  detail::vector_clock known_;
};

// A page source over the model's heap: blocks that take policy::pages have their leaks and uses after free found.
struct pages {
  static result<byte_span> allocate(std::size_t size) noexcept {
    if (size == 0) return error{errc::invalid_argument, domain::memory, "zero bytes of pages were asked for", 0};
    const std::size_t whole = (size + 15) / 16 * 16;
    void* p = atomics::alloc(whole, page_size, site{"pages", 0});
    if (p == nullptr) return error{errc::out_of_memory, domain::memory, "no execution of the model runs", 0};
    return byte_span(static_cast<std::byte*>(p), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) atomics::free(memory.data(), site{"pages", 0});
  }
};

template <class... F>
void world::threads(F&&... f) {
  model::threads(std::forward<F>(f)...);
}
inline void world::require(bool good, const char* what, const char* file, unsigned line) {
  model::require(good, what, file, static_cast<int>(line));
}

namespace detail {

// A function is no object: its place is kept in one.
template <class Body>
struct body_place {
  Body* body;
};
template <class Body>
void call_body(void* p) {
  Body& body = *static_cast<body_place<Body>*>(p)->body;
  if constexpr (std::is_invocable_v<Body&, world>)
    body(world{});
  else
    body();
}

template <class Body>
outcome run_once(execution& e, strategy& s, Body& body) {
  body_place<Body> place{&body};
  return e.run(s, &call_body<Body>, &place);
}

inline void describe(report& r, execution& e) {
  r.what = e.failed;
  r.failure = e.sentence;
  r.where = e.where;
  r.guilty = e.guilty;
  r.threads = e.thread_count();
  r.decisions = e.schedule;
  r.steps = draw(e);
}

// How hard a schedule is to read: switches of threads, and reads and places that are not the plainest.
inline std::size_t effort(const std::vector<decision>& schedule) noexcept {
  std::size_t out = 0;
  std::uint16_t last = 0;
  for (const decision& d : schedule) {
    if (d.what == decision::kind::thread)
      out += d.value != std::exchange(last, d.value) ? 2u : 0u;
    else
      out += d.value != 0 ? 1u : 0u;
  }
  return out;
}

// Leaves out parts of the failing schedule as long as the same fault comes of what is left (delta debugging; what a
// shorter schedule does not say goes the plainest way).
template <class Body>
void minimise(report& r, execution& e, Body& body) {
  unsigned budget = 2'000;
  for (std::size_t part = (std::max)(r.decisions.size() / 2, std::size_t{1}); budget != 0; part /= 2) {
    for (std::size_t at = 0; at < r.decisions.size() && budget != 0; --budget) {
      std::vector<decision> shorter = r.decisions;
      const auto from = shorter.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.erase(from, from + static_cast<std::ptrdiff_t>((std::min)(part, shorter.size() - at)));
      replay_strategy s(shorter);
      const outcome o = run_once(e, s, body);
      if (o == outcome::failed && e.failed == r.what &&
          (effort(e.schedule) < effort(r.decisions) ||
           (effort(e.schedule) == effort(r.decisions) && e.schedule.size() < r.decisions.size()))) {
        describe(r, e);
      } else {
        at += part;
      }
    }
    if (part <= 1) return;
  }
}

// Counts an execution; false when it is the last one.
template <class Body>
bool count(report& r, execution& e, outcome o, Body& body, bool shrink = true) {
  if (o == outcome::blocked) return ++r.blocked, true;
  ++r.executions;
  if (o == outcome::finished) return true;
  describe(r, e);
  if (shrink) minimise(r, e, body);
  return false;
}

}  // namespace detail

namespace detail {

// What each explorer sets out with.
inline execution execution_for(const random& how) { return execution(how.most_steps); }
inline execution execution_for(const pct& how) { return execution(how.most_steps); }
inline execution execution_for(const bounded& how) { return execution(how.most_steps); }
inline execution execution_for(const exhaustive& how) { return execution(how.most_steps, how.most_thread_steps); }
inline random_strategy strategy_for(const random& how) noexcept { return random_strategy(how.seed); }
inline pct_strategy strategy_for(const pct& how) noexcept { return pct_strategy(how.depth, how.seed); }
inline bounded_strategy strategy_for(const bounded& how) noexcept { return bounded_strategy(how.preemptions); }
inline exhaustive_strategy strategy_for(const exhaustive&) { return {}; }

// Executions until there is no more to do, a fault is found, or `most` have been made; whether there was no more to do.
template <class Strategy, class Body>
bool run_all(report& r, execution& e, Strategy& s, std::uint64_t most, Body& body) {
  // A strategy that can do the same once more need not have its decisions written down until they are wanted.
  constexpr bool repeats = requires { s.repeat(); };
  for (std::uint64_t i = 0;; ++i) {
    if constexpr (requires { s.is_done(); })
      if (s.is_done()) return true;
    if (i == most) return false;
    s.begin();
    e.keeps_schedule = !repeats;
    outcome o = run_once(e, s, body);
    if constexpr (repeats)
      if (o == outcome::failed) {
        const fault first = e.failed;
        s.repeat();
        e.keeps_schedule = true;
        o = run_once(e, s, body);
        if (o != outcome::failed || e.failed != first) {
          ++r.executions;
          r.what = fault::misuse;
          r.failure = std::string("found a fault (") + name_of(first) +
                      ") that does not come again: the body does not do the same every time";
          return false;
        }
      }
    if (!count(r, e, o, body)) return false;
  }
}

}  // namespace detail

template <class Explorer, class Body>
requires requires(const Explorer& how) { detail::strategy_for(how); }
report check(const Explorer& how, Body&& body) {
  report r;
  detail::execution e = detail::execution_for(how);
  auto s = detail::strategy_for(how);
  if constexpr (requires { how.most_executions; })
    r.complete = detail::run_all(r, e, s, how.most_executions, body);
  else
    detail::run_all(r, e, s, how.executions, body);
  return r;
}
template <class Body>
report check(const replay& how, Body&& body) {
  report r;
  const std::vector<detail::decision> schedule = detail::from_text(how.schedule);
  detail::execution e(how.most_steps);
  detail::replay_strategy s(schedule);
  static_cast<void>(detail::count(r, e, detail::run_once(e, s, body), body, false));
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_CHECK_HPP
