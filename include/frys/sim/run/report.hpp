// report: what came of a run: the verdict, the seed that does it again, the last switches, in words.
#ifndef FRYS_SIM_RUN_REPORT_HPP
#define FRYS_SIM_RUN_REPORT_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"
#include "../../core/deadline.hpp"

namespace frys::inline FRYS_ABI::sim {

// A place in the source: builtins, because clang 14 has no usable std::source_location.
struct code_place {
  const char* file = nullptr;
  int line = 0;
};

enum class verdict : std::uint8_t {
  completed,       // the body has returned, and all threads were joined
  deadlock,        // everybody sleeps, and no deadline will wake anybody
  no_end,          // more steps than run_options::most_steps
  requirement,     // sim::require was false
  assertion,       // an FRYS_ASSERT failed (where FRYS_HARDENED is 1)
  exception,       // one left the body, or the function of a sim::thread
  terminated,      // std::terminate: an exception that nobody could catch, or a thread object that broke a rule
  leaked_threads,  // the body has returned, and a thread was not joined
  ended_word,      // an atomic object was destroyed while a thread slept on it
};

constexpr const char* name_of(verdict v) noexcept {
  switch (v) {
    case verdict::completed:
      return "completed";
    case verdict::deadlock:
      return "deadlock";
    case verdict::no_end:
      return "no end";
    case verdict::requirement:
      return "requirement";
    case verdict::assertion:
      return "assertion";
    case verdict::exception:
      return "exception";
    case verdict::terminated:
      return "terminated";
    case verdict::leaked_threads:
      return "leaked threads";
    case verdict::ended_word:
      return "ended word";
  }
  return "?";
}

// Who chooses which thread goes on.
enum class strategy : std::uint8_t {
  mixed,        // the seed picks one of the others, and its numbers: the best of them for many seeds
  random_walk,  // anybody, at one operation in `switch_one_in`
  pct,          // the highest of random priorities; depth - 1 times the one that runs becomes the lowest
  round_robin,  // the next one, every `switch_one_in` operations
};

constexpr const char* name_of(strategy s) noexcept {
  switch (s) {
    case strategy::mixed:
      return "mixed";
    case strategy::random_walk:
      return "random walk";
    case strategy::pct:
      return "pct";
    case strategy::round_robin:
      return "round robin";
  }
  return "?";
}

struct run_options {
  strategy choose_by = strategy::mixed;
  std::uint32_t switch_one_in = 4;        // random_walk and round_robin: 1 is every operation
  std::uint32_t depth = 3;                // pct
  std::uint32_t pct_steps = 5'000;        // pct: its changes of priority lie within so many steps
  std::uint64_t most_steps = 10'000'000;  // then: verdict::no_end
  std::uint32_t spurious_one_in = 8;      // so many sleeps end for no reason; 0: none
  std::uint32_t weak_fails_one_in = 8;    // so many compare_exchange_weak fail for no reason; 0: none
  std::uint32_t most_threads = 10'000;    // at a time; then threads::start answers errc::limit_exceeded
  std::size_t stack_bytes = 256 * 1024;   // of a thread that asks for less, and of the body
  nanoseconds step_time{0};               // that each operation takes
  nanoseconds look_time{20};              // that a look at the clock takes
  std::uint32_t trace = 24;               // last switches to keep
  bool keeps_schedule = false;            // for sim::replay; explore_seeds keeps it of what it finds
};

namespace detail {

enum class operation : std::uint8_t {
  begin,
  load,
  store,
  update,
  compare_exchange,
  var,
  fence,
  pause,
  wait,
  notify,
  look,
  start,
  join,
  sleep,
  choice,
  end,
};

constexpr const char* name_of(operation o) noexcept {
  constexpr const char* names[] = {"its begin", "a load",  "a store",  "an update", "a compare-exchange",  "plain data",
                                   "a fence",   "a pause", "a wait",   "a notify",  "a look at the clock", "a start",
                                   "a join",    "a sleep", "a choice", "its end"};
  return names[static_cast<std::size_t>(o)];
}

inline std::string place_text(code_place at) {
  if (at.file == nullptr) return {};
  std::string_view file = at.file;
  if (const std::size_t slash = file.find_last_of("/\\"); slash != std::string_view::npos)
    file.remove_prefix(slash + 1);
  return " at " + std::string(file) + ":" + std::to_string(at.line);
}

inline std::string time_text(nanoseconds t) {
  const std::int64_t n = t.count();
  const auto with = [&](std::int64_t unit, const char* name) {
    std::string out = std::to_string(n / unit);
    if (std::int64_t rest = n % unit; rest != 0) {
      out += '.';
      for (std::int64_t digit = unit / 10; rest != 0; digit /= 10) {
        out += static_cast<char>('0' + rest / digit);
        rest %= digit;
      }
    }
    return out + name;
  };
  if (n >= 1'000'000'000) return with(1'000'000'000, " s");
  if (n >= 1'000'000) return with(1'000'000, " ms");
  if (n >= 1'000) return with(1'000, " us");
  return std::to_string(n) + " ns";
}

// One switch of threads.
struct switch_record {
  std::uint64_t step = 0;
  std::uint32_t from = 0, to = 0;
  operation before = operation::begin;  // what `from` was about to do, or had begun
  bool blocked = false;                 // it could not go on
  code_place at;
};

}  // namespace detail

struct run_report {
  verdict what = verdict::completed;
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;     // operations of all threads
  std::uint64_t switches = 0;  // from one thread to another
  std::uint64_t hash = 0;      // of all steps and choices: the same seed and body, the same hash, everywhere
  nanoseconds time{0};         // what the run's clock showed at the end
  std::string how;             // the strategy, as the seed picked it
  std::string failure;         // what went wrong, in a sentence
  std::string thread;          // and in which thread
  code_place where;            // and where
  std::string schedule;        // for sim::replay
  bool repeats = true;         // of a failure that explore_seeds found: whether the seed did the same once more
#if FRYS_EXCEPTIONS
  std::exception_ptr thrown;  // verdict::exception and terminated
#endif
  std::vector<std::string> threads;                  // what each did at the end
  std::vector<std::string> names;                    // of all that were started, by number
  std::vector<detail::switch_record> last_switches;  // oldest first

  [[nodiscard]] bool ok() const noexcept { return what == verdict::completed; }
  explicit operator bool() const noexcept { return ok(); }

  // All of it for a person. Holds no addresses: two runs of a seed give the same text.
  [[nodiscard]] std::string text() const {
    std::string out = name_of(what);
    if (!failure.empty()) out += ": " + failure;
    if (!thread.empty()) out += ", in " + thread;
    out += detail::place_text(where);
    out += "\nseed " + std::to_string(seed) + " (" + how + "): " + std::to_string(steps) + " steps, " +
           std::to_string(switches) + " switches, " + detail::time_text(time);
    if (!repeats)
      out +=
          "\nthe seed did something else when it was run again: the body depends on addresses, on a real clock, or on "
          "what an earlier run left";
    for (const std::string& t : threads) out += "\n  " + t;
    if (!last_switches.empty()) out += "\nthe last switches:";
    for (const detail::switch_record& s : last_switches) {
      out += "\n  step " + std::to_string(s.step) + ": " + name_at(s.from);
      if (s.before == detail::operation::end)
        out += " ends";
      else if (s.blocked)
        out += std::string(" blocks in ") + detail::name_of(s.before) + detail::place_text(s.at);
      else
        out += std::string(" stops before ") + detail::name_of(s.before) + detail::place_text(s.at);
      out += "; " + name_at(s.to) + " goes on";
    }
    if (!schedule.empty()) out += "\nreplay: " + schedule;
    return out + "\n";
  }

 private:
  [[nodiscard]] std::string name_at(std::uint32_t number) const {
    return number < names.size() ? names[number] : std::to_string(number);
  }
};

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_RUN_REPORT_HPP
