// A pool of two workers that had work and now has none: how often its threads wake up in a second (context switches of
// any kind), and what part of a core they use. The first 100 ms after the work are not counted: a pool may spin a
// while.
#pragma once
#include <array>
#include <cstdio>
#include <set>
#include <string>

#include "sched/crew.hpp"

struct thread_use {
  double switches = 0, ns = 0;
};
inline thread_use use_of(const std::set<pid_t>& threads) {
  thread_use all;
  for (const pid_t id : threads) {
    const std::string at = "/proc/self/task/" + std::to_string(id);
    if (std::FILE* f = std::fopen((at + "/schedstat").c_str(), "r")) {
      unsigned long long ran = 0, waited = 0, times = 0;
      if (std::fscanf(f, "%llu %llu %llu", &ran, &waited, &times) == 3) {
        all.ns += static_cast<double>(ran);
        all.switches += static_cast<double>(times);  // how often the thread got a core
      }
      std::fclose(f);
    }
  }
  return all;
}

// Pool(threads) has threads of its own; run(f) has f run by one of them and waits.
template <class Pool>
bench::outcome measure(const bench::settings& s) {
  using bench::better;
  static std::set<pid_t> mine;  // a pool that outlives its object keeps its threads
  const std::vector<pid_t> before = crews::others();
  crews::unpin();
  Pool pool(2);
  for (int i = 0; i < 100; ++i) {
    int answer = 0;
    pool.run([&] { answer = i; });
    bench::check(answer == i, "the answer");
  }
  std::set<pid_t> now;
  for (const pid_t id : crews::others()) now.insert(id);
  for (const pid_t id : now)
    if (std::find(before.begin(), before.end(), id) == before.end()) mine.insert(id);
  std::erase_if(mine, [&](pid_t id) { return now.count(id) == 0; });
  bench::check(!mine.empty(), "the pool has threads");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const thread_use first = use_of(mine);
  const double start = bench::now_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(s.scaled(1000)));
  const double time = bench::now_ns() - start;
  const thread_use last = use_of(mine);
  return {0,
          {{"wake_ups_per_s", "1/s", better::lower, (last.switches - first.switches) / (time / 1e9)},
           {"cpu", "%", better::lower, 100 * (last.ns - first.ns) / time}}};
}
