// What ends the program in the middle of a sim::run, and how its seed is told then.
#include <frys/sim/run.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace sim = frys::sim;

// [region crash]
// A fault or an abort ends the program, and no report is written. What still runs then can say which seed it was.
void say_seed(int signal) {
  if (const auto seed = frys::sim::current_seed())
    std::fprintf(stderr, "in sim::run, seed %llu\n", static_cast<unsigned long long>(*seed));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}
// [endregion crash]

struct death {
  int signal = 0;
  std::string said;
};

// Runs f in a child, and hears its last words.
template <class F>
death death_of(F&& f) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::fflush(nullptr);
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], 2);
    for (const int s : {SIGABRT, SIGSEGV, SIGTERM}) std::signal(s, SIG_DFL);  // not those of the test program
    f();
    ::_exit(0);
  }
  ::close(ends[1]);
  death out;
  char some[256];
  for (::ssize_t n; (n = ::read(ends[0], some, sizeof(some))) > 0;) out.said.append(some, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  return out;
}

[[noreturn]] void say_goodbye() noexcept {
  std::fputs("goodbye\n", stderr);
  std::abort();
}

}  // namespace

TEST_CASE("sim::current_seed: is the innermost run's, in each of its threads, and nobody's outside") {
  CHECK(!sim::current_seed());
  std::uint64_t seen[4] = {};
  const auto r = sim::run(17, [&] {
    seen[0] = sim::current_seed().value_or(0);
    sim::thread t("other", [&] { seen[1] = sim::current_seed().value_or(0); });
    const auto inner = sim::run(18, [&] { seen[2] = sim::current_seed().value_or(0); });
    seen[3] = sim::current_seed().value_or(0);
  });
  CHECK(r.ok());
  CHECK(seen[0] == 17);
  CHECK(seen[1] == 17);
  CHECK(seen[2] == 18);
  CHECK(seen[3] == 17);
  CHECK(!sim::current_seed());
}

TEST_CASE("sim::current_seed: a handler of the program's death can say it") {
  const auto aborted = death_of([] {
    std::signal(SIGABRT, &say_seed);
    (void)sim::run(17, [] {
      sim::thread t("worker", [] { std::abort(); });
      t.join();
    });
  });
  CHECK(aborted.signal == SIGABRT);
  CHECK(aborted.said == "in sim::run, seed 17\n");
  const auto outside = death_of([] {
    std::signal(SIGABRT, &say_seed);
    (void)sim::run(17, [] {});
    std::abort();
  });
  CHECK(outside.signal == SIGABRT);
  CHECK(outside.said == "");
}

TEST_CASE("sim::run: std::terminate ends a run; before and after it, it calls the program's own handler") {
  const auto r = sim::run(3, [] { std::terminate(); });
  CHECK(r.what == sim::verdict::terminated);
  CHECK(r.failure.find("std::terminate") == 0);
  CHECK(r.text().find("seed 3 ") != std::string::npos);
  const auto after = death_of([] {
    std::set_terminate(&say_goodbye);
    (void)sim::explore_seeds(0, 3, [] { (void)sim::run(3, [] { std::terminate(); }); });
    std::terminate();
  });
  CHECK(after.signal == SIGABRT);
  CHECK(after.said == "goodbye\n");
}

TEST_CASE("sim::run: std::terminate on a thread of the system calls the program's own handler, while others run") {
  const auto beside = death_of([] {
    std::set_terminate(&say_goodbye);
    (void)sim::run(3, [] {
      auto t = frys::os_threads::start(
          {}, [](void*) noexcept { std::terminate(); }, nullptr);
      if (t) t->join();
    });
  });
  CHECK(beside.signal == SIGABRT);
  CHECK(beside.said == "goodbye\n");
}
