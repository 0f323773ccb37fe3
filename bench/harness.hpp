// harness: runs all contenders of one workload in one program, in interleaved rounds, and prints median and spread.
//
// A contender is one source file: BENCH_CONTENDER("frys") { ... return {operations, {{metric, unit, better, value}}};
// }, or, where the workload has a template measure<Type>(settings), BENCH_MEASURE("frys", type). A peer that is not
// installed stays visible: BENCH_MISSING("boost", "libboost-dev"); so does the type of a BENCH_MEASURE whose `package`
// says what to install. `limit` rows measure the bare machine in the same rounds: BENCH_LIMIT(line_round_trip). A
// contender calls bench::check on its result: a wrong sum is no figure, and the program ends with 1.
#ifndef FRYS_BENCH_HARNESS_HPP
#define FRYS_BENCH_HARNESS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

enum class better { lower, higher };

struct measure {
  std::string metric;
  std::string unit;
  better direction = better::lower;
  double value = 0;
};

struct outcome {
  double operations = 0;  // what instruction counts are divided by; 0: no such row
  std::vector<measure> measures;
};

struct settings {
  bool quick = false;
  int round = 0;
  // `full` where the run is for the record, a tenth of it with --quick.
  std::size_t scaled(std::size_t full) const { return quick ? (full + 9) / 10 : full; }
};

using runner = std::function<outcome(const settings&)>;

// Called by the macros, before main.
bool enlist(const char* contender, runner run);
bool enlist_missing(const char* contender, const char* package);
template <class Type, class Measure>
bool enlist_measure(const char* contender, Measure measure) {
  if constexpr (requires { Type::package; })
    return enlist_missing(contender, Type::package);
  else
    return enlist(contender, [=](const settings& s) { return measure(std::type_identity<Type>{}, s); });
}

// Ends this contender's part in the results when `fine` is false.
void check(bool fine, const char* what);

// Keeps the calling thread on one core (modulo what there is). Contenders with two threads use 0 and 1.
void pin(unsigned core);
unsigned cores();

// Lets the optimiser know nothing about `value` any more.
template <class T>
inline void keep(T const& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

inline double now_ns() {
  return static_cast<double>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// CPU time of this thread and of the process, for workloads where wall time measures the neighbours.
double thread_cpu_ns();
double process_cpu_ns();

// Runs f(core) on each of `threads` threads, pinned, started together; answers the wall time in ns.
double on_threads(unsigned threads, const std::function<void(unsigned)>& f);

// The bare machine, in ns per operation.
namespace limits {
double dependent_add(const settings&);
double atomic_rmw(const settings&);
double line_round_trip(const settings&);  // a cache line to the other core and back
double futex_wake(const settings&);       // a sleeping thread on the other core, woken and answering, per round trip
double getppid_call(const settings&);
double pwrite_fdatasync(const settings&);  // 4 KiB, in the directory of the bench
}  // namespace limits

}  // namespace bench

#define BENCH_CONCAT_(a, b) a##b
#define BENCH_CONCAT(a, b) BENCH_CONCAT_(a, b)
#define BENCH_CONTENDER(name)                                                         \
  static bench::outcome bench_run(const bench::settings&);                            \
  [[maybe_unused]] static const bool bench_enlisted = bench::enlist(name, bench_run); \
  static bench::outcome bench_run([[maybe_unused]] const bench::settings& settings)
#define BENCH_MEASURE(name, ...)                                                          \
  [[maybe_unused]] static const bool bench_enlisted = bench::enlist_measure<__VA_ARGS__>( \
      name, []<class Type>(std::type_identity<Type>, const bench::settings& s) { return measure<Type>(s); });
#define BENCH_MISSING(name, package) \
  [[maybe_unused]] static const bool bench_enlisted = bench::enlist_missing(name, package);
#define BENCH_LIMIT(which)                                                                         \
  [[maybe_unused]] static const bool BENCH_CONCAT(bench_limit_, which) =                           \
      bench::enlist("limit", [](const bench::settings& s) {                                        \
        return bench::outcome{0, {{#which, "ns", bench::better::lower, bench::limits::which(s)}}}; \
      });

#endif  // FRYS_BENCH_HARNESS_HPP
