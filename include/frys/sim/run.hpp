// run: a whole program of threads, sleeps and timers in one thread of the system, as a seed says: the same seed, the
// same run, on every machine and with every compiler.
//
//   auto r = sim::run(42, [] {
//     blocking<mpmc_ring<int, policy::world<sim::run_world>>, policy::world<sim::run_world>> jobs;
//     sim::thread worker("worker", [&] { while (jobs.pop()) ...; });
//     ...
//   });
//   CHECK_MESSAGE(r.ok(), r.text());
//
// Use when  a program or a large part of one shall be tested under thousands of schedules: pools, servers, shutdown.
// Not when  a lock-free structure shall be proved, or its memory orders (model.hpp): this samples, in sequentially
//           consistent memory, as many steps as you like.
// Threads   of the run: sim::threads, sim::thread. The run itself is on the calling thread; several may run at a time.
// Time      sim::clock is the run's: it starts at 0, moves a little with each look, and jumps to the first deadline
//           when all sleep. A year of timers takes as long as their work.
// Verdict   run_report: completed, or what went wrong, with the seed, what each thread did, and the last switches.
//           An FRYS_ASSERT that fails and std::terminate end the run, not the program. What ends the program all the
//           same (a fault, abort) has its seed by current_seed, in a handler of yours.
//           Where a run fails, its stacks are left as they are: nothing on them is destroyed.
// Hazards   what the seed does not know: addresses (hashes of pointers, order of allocations), real clocks and dice,
//           thread_local (take threads::local), what an earlier run has left in globals, the order of evaluation of
//           arguments (compilers differ), the layout of the standard's hash tables (libraries differ).
// Cost      1 to 2 ns a step, some 25 ns a switch of threads; to begin and end a run of four threads half a
//           microsecond (explore_seeds).
// Source    FoundationDB's simulator; S. Burckhardt et al., ASPLOS 2010 (pct); A. Groce et al., "Swarm testing",
//           ISSTA 2012 (mixed).
#ifndef FRYS_SIM_RUN_HPP
#define FRYS_SIM_RUN_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/wait.hpp"
#include "clock.hpp"
#include "disk.hpp"
#include "random.hpp"
#include "run/atomics.hpp"
#include "run/machine.hpp"
#include "run/report.hpp"
#include "run/threads.hpp"

namespace frys::inline FRYS_ABI::sim {

// Randomness for policy::random: in a run each source has a seed of its own, which the run's seed decides.
class run_random {
 public:
  explicit run_random(std::uint64_t seed = 0) noexcept
      : dice_(detail::run_hooks::current() == nullptr
                  ? seed  // in a run not: blocks make it of an address
                  : detail::run_hooks::current()->fresh_seed(*detail::run_hooks::current())) {}
  std::uint64_t operator()() noexcept { return dice_(); }

 private:
  sim::random dice_;
};

// policy::world<sim::run_world>: all that a block touches is the run's.
struct run_world {
  using atomics = sim::atomics;
  using clock = sim::clock;
  using wait = frys::wait::basic_spin_then_park<2>;  // both ways are taken, and few steps are spent
  using files = sim::disk;
  using random = sim::run_random;
  using threads = sim::threads;
};

namespace detail {

// A function is no object: its place is kept in one.
template <class Body>
struct body_of {
  Body* body;
  static void call(void* self) { (*static_cast<body_of*>(self)->body)(); }
};
template <class Body>
void run_in(machine& m, const run_options& options, std::uint64_t seed, const run_schedule* again, Body& body) {
  body_of<Body> b{std::addressof(body)};
  m.run(options, seed, again, &body_of<Body>::call, &b);
}

}  // namespace detail

// Runs body() once, with all the threads that it starts.
template <class Body>
[[nodiscard]] run_report run(std::uint64_t seed, Body&& body, const run_options& options = {}) {
  detail::machine m;
  detail::run_in(m, options, seed, nullptr, body);
  run_report out;
  m.describe(out);
  return out;
}

// Runs it again by run_report::schedule, with the same options. Also after a change of the strategies, or with parts
// taken out by hand: where the schedule does not fit any more, the seed goes on (run_report::how says so).
template <class Body>
[[nodiscard]] run_report replay(std::string_view schedule, Body&& body, const run_options& options = {}) {
  const detail::run_schedule again = detail::run_schedule::of(schedule);
  detail::machine m;
  detail::run_in(m, options, again.seed, &again, body);
  run_report out;
  m.describe(out);
  return out;
}

// What many seeds have shown.
struct exploration {
  run_report failure;  // the first one; or the last run, completed
  std::uint64_t runs = 0;
  std::uint64_t different = 0;  // runs whose hashes differ
  std::uint64_t steps = 0;
  bool deterministic = true;  // the first seed did the same when it was run twice

  [[nodiscard]] bool ok() const noexcept { return failure.ok() && deterministic; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] std::string text() const {
    std::string out = std::to_string(runs) + " runs, " + std::to_string(different) + " of them different, " +
                      std::to_string(steps) + " steps";
    if (!deterministic)
      out += "\nnot deterministic: seed " + std::to_string(failure.seed) +
             " did something else when it was run again: the body depends on addresses, on a real clock, or on what an "
             "earlier run left";
    return out + "\n" + failure.text();
  }
};

// Runs body() with the seeds first, first + 1, ... until one fails, or `count` have passed.
template <class Body>
[[nodiscard]] exploration explore_seeds(std::uint64_t first, std::uint64_t count, Body&& body,
                                        const run_options& options = {}) {
  exploration out;
  detail::machine m;
  run_options fast = options;
  fast.trace = 0;
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < count; ++i) {
    detail::run_in(m, fast, first + i, nullptr, body);
    ++out.runs;
    out.steps += m.steps();
    hashes.push_back(m.hash());
    if (m.ok() && i != 0) continue;
    // Once more: a failure with all that a report can hold, the first seed to see whether it does the same.
    const std::uint64_t before = m.hash();
    const bool failed = !m.ok();
    run_options thorough = options;
    thorough.keeps_schedule = true;
    if (failed) {
      run_report quick;
      m.describe(quick);
      detail::run_in(m, thorough, first + i, nullptr, body);
      m.describe(out.failure);
      if (m.ok()) out.failure = std::move(quick);  // it happens no more
      out.failure.repeats = m.hash() == before;
      break;
    }
    detail::run_in(m, fast, first, nullptr, body);
    if (m.hash() != before || !m.ok()) {
      out.deterministic = false;
      m.describe(out.failure);
      break;
    }
  }
  if (out.failure.ok() && out.deterministic && out.runs != 0) m.describe(out.failure);
  std::sort(hashes.begin(), hashes.end());
  out.different = static_cast<std::uint64_t>(std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  return out;
}

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_RUN_HPP
