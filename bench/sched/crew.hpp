// Fork-join by crews of one and of two threads. A crew counts all threads that work, the caller too where it takes
// part.
//
// Crew(threads); run(f): f on a thread of the crew, answers when it is done; within f both(a, b) answers a pair of what
// a() and b() answered, and each(n, f) calls f(0) ... f(n - 1). Work has prepare(), run(crew), and fine().
//
// Rows: t1, t2 are wall time, t1_cpu, t2_cpu what all threads of the process used meanwhile, in ms, and peak, the most
// memory the program ever had when it is started for this contender alone (two threads).
#pragma once
#include <dirent.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace crews {

// The threads of this process but the first.
inline std::vector<pid_t> others() {
  std::vector<pid_t> list;
  DIR* tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr) return list;
  while (const dirent* entry = ::readdir(tasks)) {
    const pid_t id = static_cast<pid_t>(std::atoi(entry->d_name));
    if (id > 0 && id != ::getpid()) list.push_back(id);
  }
  ::closedir(tasks);
  return list;
}

inline void pin_thread(pid_t id, unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core % bench::cores(), &set);
  (void)::sched_setaffinity(id, sizeof set, &set);
}

inline void unpin() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (unsigned i = 0; i < bench::cores(); ++i) CPU_SET(i, &set);
  (void)::sched_setaffinity(0, sizeof set, &set);
}

// The first two threads that work get a core each, whatever pool made them; one alone is on core 0, with who waits for
// it. Larger crews are left to the system.
inline void pin_crew(unsigned threads, bool caller_works) {
  if (threads > 2) return;
  if (threads == 1) {
    pin_thread(0, 0);
    for (const pid_t id : others()) pin_thread(id, 0);
    return;
  }
  unsigned core = caller_works ? 1 : 0;
  pin_thread(0, 0);
  for (const pid_t id : others()) pin_thread(id, caller_works ? core : core++);
}

// How many threads: BENCH_THREADS="1 2 4", one and two by default.
inline std::vector<unsigned> sizes() {
  std::vector<unsigned> list;
  const char* text = std::getenv("BENCH_THREADS");
  for (char* end = nullptr; text != nullptr && *text != 0; text = end) {
    const unsigned n = static_cast<unsigned>(std::strtoul(text, &end, 10));
    if (end == text) break;
    list.push_back(n);
  }
  return list.empty() ? std::vector<unsigned>{1, 2} : list;
}

inline double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

// The caller is one of the crew's threads, unless the crew says otherwise.
template <class Crew>
constexpr bool caller_works() {
  if constexpr (requires { Crew::caller_works; })
    return Crew::caller_works;
  else
    return true;
}

struct time {
  double wall = 0, cpu = 0;
};

template <class Crew, class Work>
time timed(const bench::settings& s, unsigned threads, Work& work) {
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // the last contender's threads stop turning
  unpin();
  Crew crew(threads);
  std::vector<double> wall;
  double cpu = 0, left = s.quick ? 2e6 : 30e6;
  for (int i = 0; i < 3 || (left > 0 && i < 50); ++i) {
    const double own = bench::thread_cpu_ns();
    work.prepare();
    cpu -= bench::thread_cpu_ns() - own;
    if (i == 1) pin_crew(threads, caller_works<Crew>());
    // The first wakes the threads, the second moves them. What another core's thread has used is known late, so CPU
    // time is taken over all the others together.
    if (i == 2) cpu = -bench::process_cpu_ns();
    const double start = bench::now_ns();
    work.run(crew);
    const double end = bench::now_ns();
    const double checking = bench::thread_cpu_ns();
    bench::check(work.fine(), "the result");
    cpu -= bench::thread_cpu_ns() - checking;
    if (i < 2) continue;
    wall.push_back(end - start);
    left -= wall.back();
  }
  cpu += bench::process_cpu_ns();
  return {median(wall), cpu / static_cast<double>(wall.size())};
}

// The peak of a process that ran one contender only: this program starts itself anew, and there everything but that
// contender answers at once.
inline const char* alone() { return std::getenv("BENCH_ALONE"); }
inline double peak_of(const char* contender) {
  int ends[2];
  if (::pipe(ends) != 0) return 0;
  std::string only = std::string("BENCH_ALONE=") + contender;
  std::string to = "BENCH_ALONE_TO=" + std::to_string(ends[1]);
  std::vector<char*> environment;
  for (char** e = environ; *e != nullptr; ++e) environment.push_back(*e);
  environment.insert(environment.end(), {only.data(), to.data(), nullptr});
  std::string program = "/proc/self/exe", rounds = "--rounds", one = "1";
  char* arguments[] = {program.data(), rounds.data(), one.data(), nullptr};
  pid_t child = 0;
  double kib = 0;
  unpin();
  const bool started = ::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environment.data()) == 0;
  ::close(ends[1]);
  if (started && ::read(ends[0], &kib, sizeof kib) != static_cast<ssize_t>(sizeof kib)) kib = 0;
  ::close(ends[0]);
  int status = 0;
  bench::check(started && ::waitpid(child, &status, 0) == child && status == 0 && kib > 0, "the run for its peak");
  return kib;
}
[[noreturn]] inline void answer_peak(bool fine) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double kib = static_cast<double>(usage.ru_maxrss);
  const int to = std::atoi(std::getenv("BENCH_ALONE_TO"));
  ::_exit(fine && ::write(to, &kib, sizeof kib) == static_cast<ssize_t>(sizeof kib) ? 0 : 1);
}

}  // namespace crews

// All rows of one contender; `more(outcome, threads, time)` adds a workload's own.
template <class Crew, class Work, class More>
bench::outcome on_crews(const bench::settings& s, Work work, More more) {
  using bench::better;
  if (const char* only = crews::alone()) {
    if (std::strcmp(only, Crew::name) != 0) return {};
    crews::unpin();
    Crew crew(2);
    work.prepare();
    work.run(crew);
    crews::answer_peak(work.fine());
  }
  bench::outcome all;
  for (const unsigned threads : crews::sizes()) {
    if (threads > 1 && requires { Crew::one_thread; }) continue;
    const crews::time t = crews::timed<Crew>(s, threads, work);
    std::string row = "t";
    row += std::to_string(threads);
    all.measures.push_back({row, "ms", better::lower, t.wall / 1e6});
    all.measures.push_back({row + "_cpu", "ms", better::lower, t.cpu / 1e6});
    more(all, threads, t);
  }
  if (s.round == 0) all.measures.push_back({"peak", "KiB", better::lower, crews::peak_of(Crew::name)});
  return all;
}
template <class Crew, class Work>
bench::outcome on_crews(const bench::settings& s, Work work) {
  return on_crews<Crew>(s, std::move(work), [](bench::outcome&, unsigned, crews::time) {});
}
