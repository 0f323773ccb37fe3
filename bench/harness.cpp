// The rounds, the counters and the rows of harness.hpp.
#include "harness.hpp"

#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>

namespace bench {
namespace {

struct contender {
  std::string name;
  runner run;           // empty: missing
  std::string package;  // missing: what to install
  bool failed = false;
};

std::vector<contender>& all() {
  static std::vector<contender> list;
  return list;
}

contender* running = nullptr;

// Instructions of this process and the threads it starts, in user space; absent where the machine has no counters.
class instruction_counter {
 public:
  instruction_counter() {
    perf_event_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = PERF_TYPE_HARDWARE;
    attr.config = PERF_COUNT_HW_INSTRUCTIONS;
    attr.disabled = 1;
    attr.inherit = 1;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    fd_ = static_cast<int>(::syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
  }
  ~instruction_counter() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool works() const { return fd_ >= 0; }
  void start() const {
    if (!works()) return;
    ::ioctl(fd_, PERF_EVENT_IOC_RESET, 0);
    ::ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0);
  }
  double stop() const {
    if (!works()) return 0;
    ::ioctl(fd_, PERF_EVENT_IOC_DISABLE, 0);
    std::uint64_t n = 0;
    return ::read(fd_, &n, sizeof n) == static_cast<ssize_t>(sizeof n) ? static_cast<double>(n) : 0;
  }

 private:
  int fd_ = -1;
};

double cpu_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct row_key {
  std::size_t contender;
  std::string metric;
  bool operator<(const row_key& o) const {
    return contender != o.contender ? contender < o.contender : metric < o.metric;
  }
};
struct row {
  measure shape;
  std::vector<double> values;
};

}  // namespace

bool enlist(const char* name, runner run) {
  all().push_back({name, std::move(run), {}, false});
  return true;
}
bool enlist_missing(const char* name, const char* package) {
  all().push_back({name, {}, package, false});
  return true;
}

void check(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "%s: WRONG RESULT: %s\n", running != nullptr ? running->name.c_str() : "?", what);
  if (running != nullptr) running->failed = true;
}

unsigned cores() {
  static const unsigned n = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  return n;
}

void pin(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core % cores(), &set);
  (void)::sched_setaffinity(0, sizeof set, &set);
}

double thread_cpu_ns() { return cpu_ns(CLOCK_THREAD_CPUTIME_ID); }
double process_cpu_ns() { return cpu_ns(CLOCK_PROCESS_CPUTIME_ID); }

double on_threads(unsigned threads, const std::function<void(unsigned)>& f) {
  std::atomic<unsigned> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> list;
  for (unsigned t = 0; t < threads; ++t)
    list.emplace_back([&, t] {
      pin(t);
      ready.fetch_add(1);
      while (!go.load()) ::sched_yield();
      f(t);
    });
  while (ready.load() != threads) ::sched_yield();
  const double start = now_ns();
  go.store(true);
  for (auto& t : list) t.join();
  return now_ns() - start;
}

int run_all(int argc, char** argv) {
  const char* out = nullptr;
  settings s;
  int rounds = 11;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      s.quick = true;
      rounds = 3;
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      out = argv[++i];
    } else if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
      rounds = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: %s [--quick] [--rounds N] [--json FILE]\n", argv[0]);
      return 2;
    }
  }
  // frys first and limits last, whatever order the linker chose.
  std::stable_sort(all().begin(), all().end(), [](const contender& a, const contender& b) {
    auto rank = [](const contender& c) { return c.name == "frys" ? 0 : c.name == "limit" ? 2 : 1; };
    return rank(a) != rank(b) ? rank(a) < rank(b) : a.name < b.name;
  });
  pin(0);
  const instruction_counter instructions;
  std::map<row_key, row> rows;
  for (s.round = 0; s.round < rounds; ++s.round)
    for (std::size_t i = 0; i < all().size(); ++i) {
      contender& c = all()[i];
      if (!c.run || c.failed) continue;
      running = &c;
      instructions.start();
      outcome o = c.run(s);
      const double counted = instructions.stop();
      running = nullptr;
      pin(0);
      if (instructions.works() && o.operations > 0)
        o.measures.push_back({"instructions", "instructions/op", better::lower, counted / o.operations});
      for (const measure& m : o.measures) {
        row& r = rows[{i, m.metric}];
        r.shape = m;
        r.values.push_back(m.value);
      }
    }
  bool failed = false;
  std::FILE* json = out != nullptr ? std::fopen(out, "w") : nullptr;
  if (json != nullptr) std::fputs("[", json);
  const char* comma = "\n";
  for (auto& [key, r] : rows) {
    const contender& c = all()[key.contender];
    if (c.failed) continue;
    std::sort(r.values.begin(), r.values.end());
    const std::size_t n = r.values.size();
    const double median = n % 2 != 0 ? r.values[n / 2] : (r.values[n / 2 - 1] + r.values[n / 2]) / 2;
    if (json != nullptr)
      std::fprintf(json,
                   "%s{\"module\": \"%s\", \"workload\": \"%s\", \"contender\": \"%s\", \"metric\": \"%s\", \"unit\": "
                   "\"%s\", \"better\": \"%s\", \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"runs\": %zu}",
                   comma, BENCH_MODULE, BENCH_WORKLOAD, c.name.c_str(), r.shape.metric.c_str(), r.shape.unit.c_str(),
                   r.shape.direction == better::lower ? "lower" : "higher", median, r.values.front(), r.values.back(),
                   n);
    else
      std::printf("%-16s %-20s %12.4g %-10s (%.4g .. %.4g, %zu runs)\n", c.name.c_str(), r.shape.metric.c_str(), median,
                  r.shape.unit.c_str(), r.values.front(), r.values.back(), n);
    comma = ",\n";
  }
  if (json != nullptr) {
    std::fputs("\n]\n", json);
    std::fclose(json);
  }
  for (const contender& c : all()) {
    if (!c.run)
      std::fprintf(stderr, "%s/%s: peer not installed: %s (apt install %s)\n", BENCH_MODULE, BENCH_WORKLOAD,
                   c.name.c_str(), c.package.c_str());
    failed = failed || c.failed;
  }
  return failed ? 1 : 0;
}

}  // namespace bench

int main(int argc, char** argv) { return bench::run_all(argc, argv); }
