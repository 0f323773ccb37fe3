#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <frys/core/atomics.hpp>
#include <frys/core/clock.hpp>
#include <frys/core/parker.hpp>
#include <frys/core/wait.hpp>
#include <frys/sched/timer_wheel.hpp>
#include <frys/sim/run.hpp>

namespace {

namespace sim = frys::sim;
using sim_atomics = sim::atomics;
using run_word = sim_atomics::atomic<std::uint32_t>;
using frys::nanoseconds;

static_assert(frys::atomics_model<sim_atomics>);
static_assert(frys::wait_policy<frys::wait::park, sim_atomics>);
static_assert(frys::thread_source<sim::threads>);
static_assert(frys::random_source<sim::run_random>);
static_assert(sizeof(sim_atomics::atomic<std::uint64_t>) == 8);

constexpr nanoseconds run_ms(std::int64_t n) { return nanoseconds{n * 1'000'000}; }

sim::run_options by(sim::strategy s, std::uint32_t n = 1) {
  sim::run_options o;
  o.choose_by = s;
  o.switch_one_in = n;
  o.keeps_schedule = true;
  return o;
}

// Two threads and the body write who they are.
std::string interleaving(std::uint64_t seed, const sim::run_options& options) {
  std::string out;
  const auto r = sim::run(
      seed,
      [&] {
        run_word x{0};
        const auto write = [&] {
          for (int i = 0; i < 4; ++i) {
            x.fetch_add(1);
            out += static_cast<char>('0' + sim::thread_number());
          }
        };
        sim::thread a("a", write), b("b", write);
        write();
      },
      options);
  CHECK_MESSAGE(r.ok(), r.text());
  return out;
}

// A little of everything.
void busy_body() {
  run_word turns{0}, door{0};
  sim_atomics::atomic<std::uint64_t> sum{0};
  sim_atomics::var<int> plain(0);
  const auto work = [&] {
    for (std::uint32_t i = 0; i < 20; ++i) {
      std::uint64_t seen = sum.load();
      while (!sum.compare_exchange_weak(seen, seen + i)) sim_atomics::pause();
      if (turns.fetch_add(1) % 7 == 3) {
        sim_atomics::fence(std::memory_order_seq_cst);
        (void)sim_atomics::wait(door, 0, frys::deadline::after<sim::clock>(nanoseconds{sim::choose(1000)}));
      }
      if (i % 5 == 0) sim_atomics::notify_one(door);
      plain.ref() = static_cast<int>(i);
    }
  };
  sim::thread a("a", work), b("b", work), c("c", work);
  work();
  a.join();
  sim::sleep_for(run_ms(1));
}

}  // namespace

TEST_CASE("sim::run: runs the body and the threads it starts, and tells how it was") {
  int sum = 0;
  const auto r = sim::run(7, [&] {
    run_word x{0};
    sim::thread a("a", [&] { x.fetch_add(1); });
    sim::thread b("b", [&] { x.fetch_add(2); });
    a.join();
    b.join();
    sum = static_cast<int>(x.load());
  });
  CHECK(r.ok());
  CHECK(r.what == sim::verdict::completed);
  CHECK(sum == 3);
  CHECK(r.seed == 7);
  CHECK(r.steps == 7);  // two starts, two updates, two joins, one load
  CHECK(r.names == std::vector<std::string>{"0 main", "1 a", "2 b"});
  CHECK(r.time == nanoseconds{0});
}

TEST_CASE("sim::run: a seed is a run, another seed another one") {
  const auto o = by(sim::strategy::random_walk);
  bool differs = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string once = interleaving(seed, o);
    CHECK(once == interleaving(seed, o));
    differs = differs || once != interleaving(seed + 1, o);
  }
  CHECK(differs);
  const auto a = sim::run(3, busy_body), b = sim::run(3, busy_body), c = sim::run(4, busy_body);
  CHECK(a.hash == b.hash);
  CHECK(a.text() == b.text());
  CHECK(a.hash != c.hash);
}

TEST_CASE("sim::run: round robin gives each thread its turn") {
  sim::run_options o = by(sim::strategy::round_robin, 1);
  o.weak_fails_one_in = 0;
  CHECK(interleaving(1, o) == interleaving(2, o));
  // One step each: the body starts both, and then they take turns by number.
  CHECK(interleaving(1, o).find("0120120") != std::string::npos);
}

TEST_CASE("sim::run: the hash of a run is the same with every compiler and on every machine") {
  const auto hash = [](std::uint64_t seed, sim::strategy s, std::uint32_t n) {
    const auto r = sim::run(seed, busy_body, by(s, n));
    CHECK_MESSAGE(r.ok(), r.text());
    return r.hash;
  };
  CHECK(hash(1, sim::strategy::mixed, 1) == 5755981089891906211u);
  CHECK(hash(2, sim::strategy::mixed, 1) == 4881973763861961860u);
  CHECK(hash(1, sim::strategy::random_walk, 1) == 14484104211963863758u);
  CHECK(hash(1, sim::strategy::random_walk, 5) == 13240206222286621060u);
  CHECK(hash(1, sim::strategy::pct, 1) == 1919584553815327816u);
  CHECK(hash(1, sim::strategy::round_robin, 3) == 2007586667256598097u);
}

TEST_CASE("sim::replay: a schedule does the run again, whatever the strategy was") {
  for (const sim::strategy s :
       {sim::strategy::mixed, sim::strategy::random_walk, sim::strategy::pct, sim::strategy::round_robin})
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const auto o = by(s, 1 + static_cast<std::uint32_t>(seed % 6));
      const auto r = sim::run(seed, busy_body, o);
      REQUIRE_MESSAGE(r.ok(), r.text());
      const auto again = sim::replay(r.schedule, busy_body, o);
      CHECK(again.hash == r.hash);
      CHECK(again.schedule == r.schedule);
      CHECK(again.how == "replay");
    }
}

TEST_CASE("sim::replay: a schedule that does not fit, or is none, still runs") {
  for (const char* text :
       {"", "x", "1:", "1: 0x3 9x2 1", "1: 0 0 0 0 0 / 5 5 5", "1: 0x1 1x1 0x1 1x1 0x1", "2: 0x99999999999999999999"}) {
    const auto r = sim::replay(text, busy_body);
    CHECK_MESSAGE(r.ok(), text << ": " << r.text());
  }
  const auto r = sim::replay("1: 0x3 9x2 1", busy_body);
  CHECK(r.how == "replay; the schedule did not fit to the end");
}

TEST_CASE("sim::run: a deadlock is told with who waits for what") {
  const auto r = sim::run(5, [] {
    run_word empty{3};
    sim::thread reader("reader", [&] {
      while (empty.load() == 3) (void)sim_atomics::wait(empty, 3, frys::deadline::never());
    });
  });
  CHECK(r.what == sim::verdict::deadlock);
  CHECK(!r);
  REQUIRE(r.threads.size() == 2);
  CHECK(r.threads[0] == "0 main: joins 1 reader");
  CHECK(r.threads[1].find("1 reader: sleeps at run_test.cpp:") == 0);
  CHECK(r.threads[1].find("while a word is 3") != std::string::npos);
  const std::string text = r.text();
  CHECK(text.find("deadlock: nobody can go on\nseed 5 (") == 0);
  CHECK(text.find("the last switches:") != std::string::npos);
  CHECK(text.find("1 reader goes on") != std::string::npos);
}

TEST_CASE("sim::run: a sleeper whose word has changed is told apart: nobody has notified it") {
  sim::run_options o;
  o.spurious_one_in = 0;
  const auto r = sim::explore_seeds(
      0, 200,
      [] {
        run_word ready{0};
        sim::thread waiter("waiter", [&] {
          while (ready.load() == 0) (void)sim_atomics::wait(ready, 0, frys::deadline::never());
        });
        ready.store(1);  // and no notify
      },
      o);
  REQUIRE(r.failure.what == sim::verdict::deadlock);
  REQUIRE(r.failure.threads.size() == 2);
  CHECK(r.failure.threads[1].find("while a word is 0, which is 1 now: nobody has notified it") != std::string::npos);
  CHECK(r.failure.repeats);
}

TEST_CASE("sim::run: threads that sleep on the same word are named together") {
  const auto r = sim::run(5, [] {
    run_word w{0};
    const auto wait = [&] {
      while (w.load() == 0) (void)sim_atomics::wait(w, 0, frys::deadline::never());
    };
    sim::thread a("a", wait), b("b", wait);
  });
  REQUIRE(r.threads.size() == 3);
  CHECK(r.threads[1].find("so does 2 b") != std::string::npos);
  CHECK(r.threads[2].find("so does 1 a") != std::string::npos);
}

TEST_CASE("sim::run: a thread that joins itself, and two that join each other, are deadlocks") {
  const auto r = sim::run(1, [] {
    auto owned = std::make_unique<sim::thread>();
    sim::thread* const t = owned.get();
    run_word made{0};
    *t = sim::thread("selfish", [&made, t] {
      while (made.load() == 0) sim::yield();
      t->join();
    });
    made.store(1);
    (void)owned.release();
    sim::sleep_until(frys::deadline::never());
  });
  CHECK(r.what == sim::verdict::deadlock);
}

TEST_CASE("sim::run: a run without end is ended") {
  sim::run_options o;
  o.most_steps = 20'000;
  const auto r = sim::run(
      9,
      [] {
        run_word a{0};
        sim::thread t("other", [&] {
          while (a.load() != 2) a.store(0);
        });
        while (a.load() != 2) a.store(1);
      },
      o);
  CHECK(r.what == sim::verdict::no_end);
  CHECK(r.steps == 20'000);
  CHECK(r.failure == "the run takes more than 20000 steps");
  REQUIRE(r.threads.size() == 2);
  CHECK(r.threads[1].find("1 other: can go on with a ") == 0);
}

TEST_CASE("sim::require: ends the run where it is false, also in a thread that must not throw") {
  const auto r = sim::run(3, [] {
    auto t = sim::threads::start(
        {}, [](void*) noexcept { sim::require(1 + 1 == 3, "sums are right"); }, nullptr);
    t->join();
  });
  CHECK(r.what == sim::verdict::requirement);
  CHECK(r.failure == "sums are right");
  CHECK(r.thread == "1 thread");
  CHECK(r.text().find("requirement: sums are right, in 1 thread at run_test.cpp:") == 0);
}

#if FRYS_EXCEPTIONS
namespace {
void throw_something() { throw std::runtime_error("nobody catches me"); }
}  // namespace

TEST_CASE("sim::run: an exception that leaves the body or a thread's function is the verdict") {
  const auto r = sim::run(3, [] { throw std::runtime_error("out of cheese"); });
  CHECK(r.what == sim::verdict::exception);
  CHECK(r.failure == "an exception: out of cheese");
  CHECK(r.thread == "0 main");
  CHECK_THROWS_AS(std::rethrow_exception(r.thrown), std::runtime_error);
  const auto in_thread = sim::run(3, [] { sim::thread t("thrower", [] { throw 5; }); });
  CHECK(in_thread.what == sim::verdict::exception);
  CHECK(in_thread.thread == "1 thrower");
  CHECK_THROWS_AS(std::rethrow_exception(in_thread.thrown), int);
}

TEST_CASE("sim::run: std::terminate ends the run, not the program") {
  const auto r = sim::run(3, [] {
    auto t = sim::threads::start(
        {}, [](void*) noexcept { throw_something(); }, nullptr);
    t->join();
  });
  CHECK(r.what == sim::verdict::terminated);
  CHECK(r.failure == "std::terminate with an exception: nobody catches me");
  CHECK(r.thread == "1 thread");
  CHECK(sim::run(3, [] { std::terminate(); }).what == sim::verdict::terminated);
}

TEST_CASE("sim::run: a thread that is left inside a catch block finds its exception again") {
  const auto r = sim::explore_seeds(0, 300, [] {
    run_word x{0};
    const auto work = [&](int mine) {
      for (int i = 0; i < 3; ++i) {
        try {
          x.fetch_add(1);
          throw mine * 10 + i;
        } catch (int first) {
          x.fetch_add(1);  // others throw and catch here
          try {
            throw first + 1000;
          } catch (int second) {
            x.fetch_add(1);
            sim::require(second == first + 1000, "the inner exception");
          }
          x.fetch_add(1);
          try {
            throw;
          } catch (int again) {
            sim::require(again == first && again == mine * 10 + i, "the outer exception");
          }
        }
        sim::require(std::uncaught_exceptions() == 0 && !std::current_exception(), "all caught");
      }
    };
    sim::thread a("a", [&] { work(1); }), b("b", [&] { work(2); }), c("c", [&] { work(3); });
    work(4);
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::run: threads switch while an exception unwinds") {
  struct toucher {
    run_word& x;
    ~toucher() { x.fetch_add(1); }
  };
  const auto r = sim::explore_seeds(0, 100, [] {
    run_word x{0};
    const auto work = [&](int mine) {
      for (int i = 0; i < 3; ++i) {
        try {
          toucher t{x};
          throw mine;
        } catch (int e) {
          sim::require(e == mine, "my exception");
        }
      }
    };
    sim::thread a("a", [&] { work(1); }), b("b", [&] { work(2); });
    work(3);
  });
  CHECK_MESSAGE(r.ok(), r.text());
}
#endif

TEST_CASE("sim::run: threads that nobody has joined are told") {
  static std::optional<sim::thread> left;
  const auto r = sim::run(3, [] { left.emplace("orphan", [] {}); });
  CHECK(r.what == sim::verdict::leaked_threads);
  CHECK(r.failure == "nobody has joined 1 orphan");
  left.reset();  // of a run that is over: does nothing
}

TEST_CASE("sim::run: an atomic object that ends while a thread sleeps on it is told") {
  const auto r = sim::explore_seeds(0, 100, [] {
    auto word = std::make_unique<run_word>(0u);
    run_word* w = word.get();
    sim::thread t("sleeper", [w] { (void)sim_atomics::wait(*w, 0, frys::deadline{run_ms(5)}); });
    sim::sleep_for(run_ms(1));
    word.reset();
  });
  CHECK(r.failure.what == sim::verdict::ended_word);
  CHECK(r.failure.failure == "an atomic object is destroyed while 1 sleeper sleeps on it");
}

TEST_CASE("sim::run: time stands still while somebody works, and jumps when all sleep") {
  const auto r = sim::run(1, [] {
    run_word w{0};
    for (int i = 0; i < 1000; ++i) w.fetch_add(1);
    sim::require(sim::clock::now() == nanoseconds{0}, "work takes no time");
    sim::thread t("t", [&] {
      sim::require(!sim_atomics::wait(w, 1000, frys::deadline{run_ms(30)}) || sim::clock::now() < run_ms(30),
                   "the deadline passes, or a wake-up for no reason");
    });
    sim::sleep_until(frys::deadline{run_ms(10)});
    sim::require(sim::clock::now() == run_ms(10), "exactly then");
    sim::sleep_for(run_ms(100));
    sim::require(sim::clock::now() < run_ms(111), "and exactly that long");
  });
  CHECK_MESSAGE(r.ok(), r.text());
  CHECK(r.time >= run_ms(110));
  CHECK(r.time < run_ms(111));
}

TEST_CASE("sim::run: sleepers wake in the order of their deadlines, each at its time") {
  const auto r = sim::explore_seeds(0, 50, [] {
    std::vector<int> order;
    std::vector<sim::thread> threads;
    for (int i = 0; i < 20; ++i) {
      const int at = (i * 7) % 20;
      threads.emplace_back("t", [&order, at] {
        sim::sleep_until(frys::deadline{run_ms(at + 1)});
        sim::require(sim::clock::now() == run_ms(at + 1), "at its time");
        order.push_back(at);
      });
    }
    threads.clear();
    for (int i = 0; i < 20; ++i) sim::require(order[static_cast<std::size_t>(i)] == i, "in order");
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::run: who polls a clock gets there") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto r = sim::run(seed, [] {
      const frys::deadline d{std::chrono::seconds(60)};
      const auto poll = [&] {
        while (!d.has_passed<sim::clock>()) {
        }
      };
      sim::thread other("other", poll);
      poll();
    });
    CHECK_MESSAGE(r.ok(), r.text());
    CHECK(r.steps < 40'000);
    CHECK(r.time < std::chrono::seconds(70));
  }
}

TEST_CASE("sim::run: who spins does not keep sleepers from waking") {
  for (const bool pauses : {false, true})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto r = sim::run(seed, [&] {
        run_word flag{0};
        sim::thread sleeper("sleeper", [&] {
          sim::sleep_for(std::chrono::seconds(10));
          flag.store(1);
        });
        while (flag.load() == 0)
          if (pauses) sim_atomics::pause();
      });
      CHECK_MESSAGE(r.ok(), r.text());
      CHECK(r.steps < 40'000);
    }
}

TEST_CASE("sim::run: steps take time where they shall") {
  sim::run_options o;
  o.step_time = nanoseconds{10};
  o.look_time = nanoseconds{0};
  const auto r = sim::run(
      1,
      [] {
        run_word w{0};
        for (int i = 0; i < 99; ++i) w.store(1);
        sim::require(sim::clock::now() == nanoseconds{1000}, "a hundred steps, this one included");
      },
      o);
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::run: a year of timers in no time") {
  const auto r = sim::run(1, [] {
    frys::timer_wheel<> wheel(sim::clock::now(), std::chrono::seconds(1));
    struct hourly : frys::timer {
      frys::timer_wheel<>* its = nullptr;
      int fired = 0;
      hourly()
          : frys::timer([](frys::timer& t) noexcept {
              auto& h = static_cast<hourly&>(t);
              ++h.fired;
              h.its->add(h, nanoseconds(std::chrono::hours(h.fired + 1)));
            }) {}
    } h;
    h.its = &wheel;
    wheel.add(h, nanoseconds(std::chrono::hours(1)));
    run_word stop{0};
    sim::thread loop("loop", [&] {
      while (stop.load() == 0) {
        (void)sim_atomics::wait(stop, 0, wheel.next_deadline());
        wheel.advance(sim::clock::now());
      }
    });
    sim::sleep_for(std::chrono::hours(24 * 365) + std::chrono::minutes(1));
    stop.store(1);
    sim_atomics::notify_all(stop);
    loop.join();
    sim::require(h.fired == 24 * 365, "once an hour");
    (void)wheel.cancel(h);
  });
  CHECK_MESSAGE(r.ok(), r.text());
  CHECK(r.time >= std::chrono::hours(24 * 365));
  CHECK(r.steps < 100'000);
}

TEST_CASE("sim::clock: advance in a run lets time pass for all; outside, time is the test's") {
  const auto r = sim::run(1, [] {
    sim::thread t("t", [] {
      sim::sleep_until(frys::deadline{run_ms(5)});
      sim::require(sim::clock::now() >= run_ms(5), "woken");
    });
    sim::clock::advance_to(run_ms(7));
    sim::require(sim::clock::now() >= run_ms(7), "moved");
    sim::clock::advance(run_ms(1));
    sim::require(sim::clock::now() >= run_ms(8), "moved");
  });
  CHECK_MESSAGE(r.ok(), r.text());
  sim::clock::reset();
  CHECK(sim::clock::now() == nanoseconds{0});
}

TEST_CASE("sim::run: sleeps end for no reason as often as they shall") {
  for (const std::uint32_t one_in : {0u, 1u, 4u}) {
    sim::run_options o;
    o.spurious_one_in = one_in;
    int spurious = 0;
    const auto r = sim::run(
        1,
        [&] {
          run_word w{0};
          for (int i = 0; i < 400; ++i)
            if (sim_atomics::wait(w, 0, frys::deadline::after<sim::clock>(run_ms(1)))) ++spurious;
        },
        o);
    CHECK_MESSAGE(r.ok(), r.text());
    if (one_in == 0) CHECK(spurious == 0);
    if (one_in == 1) CHECK(spurious == 400);
    if (one_in == 4) CHECK((spurious > 60 && spurious < 140));
  }
}

TEST_CASE("sim::run: weak exchanges fail as often as they shall, strong ones never") {
  for (const std::uint32_t one_in : {0u, 1u, 4u}) {
    sim::run_options o;
    o.weak_fails_one_in = one_in;
    int failed = 0, strong = 0;
    const auto r = sim::run(
        1,
        [&] {
          run_word w{0};
          for (int i = 0; i < 400; ++i) {
            std::uint32_t zero = 0;
            failed += w.compare_exchange_weak(zero, 0) ? 0 : 1;
            strong += w.compare_exchange_strong(zero, 0) ? 0 : 1;
          }
        },
        o);
    CHECK_MESSAGE(r.ok(), r.text());
    CHECK(strong == 0);
    if (one_in == 0) CHECK(failed == 0);
    if (one_in == 1) CHECK(failed == 400);
    if (one_in == 4) CHECK((failed > 60 && failed < 140));
  }
}

TEST_CASE("sim::atomics: notify_one wakes one sleeper, any of them; notify_all wakes all of that word and no others") {
  bool first[3] = {};
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto r = sim::run(seed, [&] {
      run_word a{0}, b{0}, woken{0}, others{0};
      const auto sleep = [&](run_word& w, run_word& count) {
        while (w.load() == 0) (void)sim_atomics::wait(w, 0, frys::deadline::never());
        count.fetch_add(1);
      };
      int who = -1;
      const auto one = [&](int i) {
        (void)sim_atomics::wait(a, 0, frys::deadline::never());
        if (who < 0) who = i;
        sleep(a, woken);
      };
      sim::thread t0("0", [&] { one(0); }), t1("1", [&] { one(1); }), t2("2", [&] { one(2); });
      sim::thread t3("3", [&] { sleep(b, others); });
      sim::sleep_for(run_ms(1));
      if (who < 0) {  // nobody woke for no reason
        sim_atomics::notify_one(a);
        sim::sleep_for(run_ms(1));
        sim::require(who >= 0, "one is awake");
        first[who] = true;
      }
      a.store(1);
      sim_atomics::notify_all(a);
      sim::sleep_for(run_ms(1));
      sim::require(woken.load() == 3, "all of a");
      sim::require(others.load() == 0, "none of b");
      b.store(1);
      sim_atomics::notify_all(b);
    });
    REQUIRE_MESSAGE(r.ok(), r.text());
  }
  CHECK((first[0] && first[1] && first[2]));
}

TEST_CASE("sim::threads: local is each thread's own, for each tag") {
  const auto r = sim::explore_seeds(0, 20, [] {
    struct one;
    struct two;
    int mine[3] = {};
    const auto work = [&](int* m) {
      sim::require(sim::threads::local<one>() == nullptr, "null at first");
      sim::threads::local<one>() = m;
      void*& kept = sim::threads::local<one>();
      sim::yield();
      sim::require(sim::threads::local<two>() == nullptr, "another tag, another pointer");
      sim::threads::local<two>() = &kept;
      sim::yield();
      sim::require(kept == m && &kept == &sim::threads::local<one>(), "the same one each time");
    };
    sim::thread a("a", [&] { work(mine); }), b("b", [&] { work(mine + 1); });
    work(mine + 2);
  });
  CHECK_MESSAGE(r.ok(), r.text());
  struct outside;
  CHECK(sim::threads::local<outside>() == nullptr);
}

TEST_CASE("sim::threads: no thread starts outside of a run, nor more than the run may have") {
  const auto refused = sim::threads::start(
      {}, [](void*) noexcept {}, nullptr);
  REQUIRE(!refused);
  CHECK(refused.error().code == frys::errc::unsupported);
  sim::run_options o;
  o.most_threads = 3;
  const auto r = sim::run(
      1,
      [] {
        sim::thread a("a", [] {}), b("b", [] {});
        auto third = sim::threads::start(
            {}, [](void*) noexcept {}, nullptr);
        sim::require(!third && third.error().code == frys::errc::limit_exceeded, "the limit");
        a.join();
        third = sim::threads::start(
            {}, [](void*) noexcept {}, nullptr);
        sim::require(third.has_value(), "there is room again");
      },
      o);
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::threads: a thousand threads, one after the other and all at once") {
  const auto r = sim::run(1, [] {
    run_word sum{0};
    for (int i = 0; i < 1000; ++i) sim::thread("short", [&] { sum.fetch_add(1); }).join();
    std::vector<sim::thread> all;
    for (int i = 0; i < 200; ++i) all.emplace_back("one of many", [&] { sum.fetch_add(1); });
    all.clear();
    sim::require(sum.load() == 1200, "each has run");
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::thread: moves; its function and what that holds end on its own thread") {
  const auto r = sim::run(1, [] {
    auto held = std::make_shared<int>(5);
    run_word ended{0};
    sim::thread t("t", [held, &ended] { ended.fetch_add(static_cast<std::uint32_t>(*held)); });
    sim::thread u = std::move(t);
    sim::require(!t.joinable() && u.joinable(), "moved");  // NOLINT: that is asked for
    while (ended.load() == 0) sim::yield();
    u = sim::thread();
    sim::require(held.use_count() == 1, "the copy is gone");
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::threads: a thread that asks for a large stack has it") {
  const auto r = sim::run(1, [] {
    frys::thread_options o;
    o.name = "deep";
    o.stack_bytes = 4 << 20;
    auto t = sim::thread::start(o, [] {
      volatile char all[2 << 20];
      all[0] = 1;
      all[sizeof all - 1] = 1;
      sim::require(all[0] == 1, "there");
    });
    sim::require(t.has_value(), "started");
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::atomics: the operations of std::atomic, in a run and outside") {
  const auto all = [] {
    sim_atomics::atomic<std::uint8_t> byte{250};
    CHECK(byte.fetch_add(10) == 250);
    CHECK(byte == 4);
    CHECK(byte.fetch_sub(5) == 4);
    CHECK(byte == 255);
    CHECK(byte.fetch_and(0x0f) == 255);
    CHECK(byte.fetch_or(0x30) == 0x0f);
    CHECK(byte.fetch_xor(0xff) == 0x3f);
    CHECK(byte.exchange(1) == 0xc0);
    sim_atomics::atomic<std::int32_t> number{INT32_MAX};
    CHECK(number.fetch_add(1) == INT32_MAX);
    CHECK(number == INT32_MIN);
    int cells[4] = {};
    sim_atomics::atomic<int*> pointer{cells};
    CHECK(pointer.fetch_add(3) == cells);
    CHECK(pointer.fetch_sub(1) == cells + 3);
    CHECK(pointer.load() == cells + 2);
    sim_atomics::atomic<double> real{1.5};
    CHECK(real.fetch_add(2) == 1.5);
    CHECK(real.load() == 3.5);
    sim_atomics::atomic<bool> flag{false};
    bool expected = true;
    CHECK(!flag.compare_exchange_strong(expected, true));
    CHECK(!expected);
    CHECK(flag.compare_exchange_strong(expected, true));
    flag = false;
    CHECK(!flag.load());
    std::uint64_t plain = 5;
    sim_atomics::atomic_ref<std::uint64_t> ref(plain);
    CHECK(ref.fetch_add(2) == 5);
    CHECK(plain == 7);
    while (!ref.compare_exchange_weak(plain, 9)) {
    }
    CHECK(ref == 9);
    sim_atomics::var<std::string> text("abc");
    text.ref() += "d";
    CHECK(text.get() == "abcd");
    void* memory = sim_atomics::alloc(100, 64);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
    sim_atomics::free(memory);
    CHECK(sim_atomics::choose(1) == 0);
    run_word w{1};
    CHECK(sim_atomics::wait(w, 0, frys::deadline::now()));
    CHECK(!sim_atomics::wait(w, 1, frys::deadline::now()));
  };
  all();
  const auto r = sim::run(1, all);
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::run: a run inside a run is a run of its own") {
  const auto r = sim::run(1, [] {
    run_word outer{0};
    sim::thread t("t", [&] { outer.fetch_add(1); });
    const auto inner = sim::run(2, busy_body);
    sim::require(inner.ok() && inner.hash == sim::run(2, busy_body).hash, "as outside");
    const auto failed = sim::run(2, [] { sim::require(false, "no"); });
    sim::require(failed.what == sim::verdict::requirement, "and so its failures");
    outer.fetch_add(1);
  });
  CHECK_MESSAGE(r.ok(), r.text());
}

TEST_CASE("sim::explore_seeds: counts the runs that differ, and stops at the first that fails") {
  const auto r = sim::explore_seeds(0, 200, busy_body);
  CHECK_MESSAGE(r.ok(), r.text());
  CHECK(r.runs == 200);
  CHECK(r.different > 190);
  const auto failing = sim::explore_seeds(100, 50, [] { sim::require(sim::choose(10) != 3, "not three"); });
  CHECK(!failing.ok());
  CHECK(failing.failure.seed == 99 + failing.runs);
  CHECK(failing.failure.repeats);
  CHECK(!failing.failure.schedule.empty());
  const auto none = sim::explore_seeds(0, 0, busy_body);
  CHECK(none.runs == 0);
}

TEST_CASE("sim::explore_seeds: a body that does something else when it runs again is told") {
  int calls = 0;
  const auto r = sim::explore_seeds(0, 10, [&] {
    run_word w{0};
    if (++calls % 2 == 0) w.store(1);
  });
  CHECK(!r.deterministic);
  CHECK(!r.ok());
  CHECK(r.text().find("not deterministic: seed 0 did something else") != std::string::npos);
  calls = 0;
  const auto fails_once = sim::explore_seeds(0, 10, [&] { sim::require(++calls != 4, "the fourth call"); });
  CHECK(!fails_once.failure.repeats);
  CHECK(fails_once.failure.failure == "the fourth call");
}

TEST_CASE("sim::run_random: each source of a run has its own seed, which the run's decides") {
  std::vector<std::uint64_t> seen[3];
  for (std::uint64_t i = 0; i < 3; ++i)
    (void)sim::run(i / 2, [&] {
      int on_the_stack = 0;
      sim::run_random a(reinterpret_cast<std::uintptr_t>(&on_the_stack)), b;
      seen[i] = {a(), b(), a(), b()};
    });
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] != seen[2]);
  CHECK(seen[0][0] != seen[0][1]);
  sim::run_random x(5), y(5);
  CHECK(x() == y());
}
