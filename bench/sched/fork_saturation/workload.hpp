// How much of two cores is work while forks are frequent: fib(38), where a fork stands over every two calls and the
// leaves are plain calls of fib(15) (about 1 us) or fib(11) (about 0.15 us). t2_useful is the time that plain calls
// take for all of it, by twice the wall time that two threads take, in per cent; t1_useful the same of one thread.
#pragma once
#include "sched/crew.hpp"

[[gnu::noinline]] inline std::uint64_t plain_fib(unsigned n) { return n < 2 ? n : plain_fib(n - 1) + plain_fib(n - 2); }
template <class Crew>
std::uint64_t grained_fib(unsigned n, unsigned leaf) {
  if (n <= leaf) return plain_fib(n);
  const auto [a, b] =
      Crew::both([=] { return grained_fib<Crew>(n - 1, leaf); }, [=] { return grained_fib<Crew>(n - 2, leaf); });
  return a + b;
}
// The same tree without forks, its leaves too.
[[gnu::noinline]] inline std::uint64_t unforked_fib(unsigned n, unsigned leaf) {
  if (n <= leaf) return plain_fib(n);
  return unforked_fib(n - 1, leaf) + unforked_fib(n - 2, leaf);
}

struct saturation_work {
  unsigned n, leaf, threads;
  std::uint64_t result = 0;
  std::vector<double> plain;
  // Plain calls, in turns with the forked ones, on each of the cores: they need not be equally fast.
  void prepare() {
    double sum = 0;
    for (unsigned core = threads; core-- > 0;) {
      crews::pin_thread(0, core);
      unsigned depth = n;
      asm volatile("" : "+r"(depth));
      const double start = bench::thread_cpu_ns();
      result = unforked_fib(depth, leaf);
      sum += bench::thread_cpu_ns() - start;
      bench::check(fine(), "plain calls");
    }
    plain.push_back(sum / threads);
    result = 0;
  }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.grained_fib(n, leaf); })
      result = crew.grained_fib(n, leaf);
    else
      crew.run([this] { result = grained_fib<Crew>(n, leaf); });
  }
  bool fine() const { return result == (n == 38 ? 39088169u : 2178309u); }
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  using bench::better;
  bench::outcome all;
  for (const bool fine : {false, true})
    for (const unsigned threads : crews::sizes()) {
      if (threads > 1 && requires { Crew::one_thread; }) continue;
      saturation_work work{s.quick ? 32u : 38u, fine ? 11u : 15u, threads, 0, {}};
      const crews::time t = crews::timed<Crew>(s, threads, work);
      std::string row = "t";
      row += std::to_string(threads);
      row += fine ? "_useful_150ns" : "_useful_1us";
      all.measures.push_back({row, "%", better::higher, 100 * crews::median(work.plain) / (threads * t.wall)});
    }
  return all;
}
