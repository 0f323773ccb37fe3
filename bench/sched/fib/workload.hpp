// fib(30) by forking each call of two: 1.3 million forks of almost no work. What a fork costs, and whether two threads
// are faster than one where nothing is worth a fork.
#pragma once
#include "sched/crew.hpp"

template <class Crew>
std::uint64_t fib(unsigned n) {
  if (n < 2) return n;
  const auto [a, b] = Crew::both([n] { return fib<Crew>(n - 1); }, [n] { return fib<Crew>(n - 2); });
  return a + b;
}
inline std::uint64_t fib_calls(unsigned n) { return n < 2 ? n : fib_calls(n - 1) + fib_calls(n - 2); }

struct fib_work {
  static constexpr unsigned n = 30;
  static constexpr std::uint64_t answer = 832040;
  static constexpr double forks = 1346268;  // calls of fib(n) with n > 1
  std::uint64_t result = 0;
  void prepare() { result = 0; }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.fib(n); })
      result = crew.fib(n);
    else
      crew.run([this] {
        unsigned depth = n;
        asm volatile("" : "+r"(depth));  // not known, or the compiler unfolds the top of the tree
        result = fib<Crew>(depth);
      });
  }
  bool fine() const { return result == answer; }
};

// t1_ns_per_fork: what a thread alone takes more than plain calls do, which are timed beside it.
template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, fib_work{}, [&](bench::outcome& all, unsigned threads, crews::time t) {
    if (threads != 1) return;
    double plain = 1e18;
    for (int i = 0; i < 5; ++i) {
      unsigned depth = fib_work::n;
      asm volatile("" : "+r"(depth));
      const double start = bench::thread_cpu_ns();
      const std::uint64_t sum = fib_calls(depth);
      plain = (std::min)(plain, bench::thread_cpu_ns() - start);
      bench::check(sum == fib_work::answer, "plain calls");
    }
    all.measures.push_back({"t1_ns_per_fork", "ns", bench::better::lower, (t.cpu - plain) / fib_work::forks});
  });
}
