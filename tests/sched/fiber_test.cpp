#include <frys/sched/fiber.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
namespace {

namespace policy = frys::policy;
using frys::fiber_scheduler;

constexpr std::size_t roomy = 64 * 1024;  // for what a test framework does inside a fiber

#if FRYS_HAS_MACHINE_SWITCH
#define EVERY_FIBER_SCHEDULER                                     \
  fiber_scheduler<>, fiber_scheduler<policy::guard_pages<false>>, \
      fiber_scheduler<policy::stack_switch<frys::machine_switch>, policy::wait<frys::wait::park>>
#else
#define EVERY_FIBER_SCHEDULER fiber_scheduler<>, fiber_scheduler<policy::guard_pages<false>>
#endif

template <class T>
T must(frys::result<T> r) {
  REQUIRE(r);
  return *std::move(r);
}

TEST_CASE_TEMPLATE("fiber: runs a callable and join answers what it answered", S, EVERY_FIBER_SCHEDULER) {
  S fibers;
  auto number = must(fibers.spawn([] { return 42; }));
  auto text = must(fibers.spawn([s = std::string("a text of some length that lies elsewhere")] { return s; }));
  auto owned = must(fibers.spawn([p = std::make_unique<int>(7)]() mutable { return std::move(p); }));
  auto nothing = must(fibers.spawn([] {}));
  CHECK(fibers.size() == 4);
  CHECK_FALSE(number.done());
  CHECK(number.join() == 42);
  CHECK_FALSE(number.joinable());
  CHECK(text.join() == "a text of some length that lies elsewhere");
  CHECK(*owned.join() == 7);
  nothing.join();
  CHECK(fibers.size() == 0);
}

TEST_CASE_TEMPLATE("fiber: those that yield take turns in their order", S, EVERY_FIBER_SCHEDULER) {
  S fibers;
  std::string order;
  std::vector<frys::fiber<>> all;
  for (const char c : {'a', 'b', 'c'})
    all.push_back(must(fibers.spawn([&, c] {
      for (int i = 0; i < 3; ++i) {
        order += c;
        frys::this_fiber::yield();
      }
    })));
  CHECK(order.empty());
  fibers.run();
  CHECK(order == "abcabcabc");
  for (auto& f : all) CHECK(f.done());
}

TEST_CASE("fiber: yield and others work by the scheduler's own members too") {
  fiber_scheduler<> fibers;
  int steps = 0;
  auto a = must(fibers.spawn(
      [&] {
        CHECK(frys::this_fiber::is_running());
        frys::fiber_event e = fibers.event();
        e.set();
        e.wait();  // set already
        fibers.yield();
        ++steps;
      },
      roomy));
  CHECK_FALSE(frys::this_fiber::is_running());
  fibers.run();
  CHECK(steps == 1);
}

TEST_CASE("fiber: thousands of them, each with variables of its own, in a deep call") {
  fiber_scheduler<> fibers;
  struct local {
    static int depth(fiber_scheduler<>& s, int n) {
      volatile int mine = n;
      s.yield();
      const int below = n == 0 ? 0 : depth(s, n - 1);
      s.yield();
      return below + mine;
    }
  };
  std::vector<frys::fiber<int>> all;
  for (int i = 0; i < 2000; ++i) all.push_back(must(fibers.spawn([&, i] { return local::depth(fibers, i % 10); })));
  fibers.run();
  for (int i = 0; i < 2000; ++i) CHECK(all[static_cast<std::size_t>(i)].join() == (i % 10) * (i % 10 + 1) / 2);
}

TEST_CASE("fiber: one joins another, and one that was made inside it") {
  fiber_scheduler<> fibers;
  std::string order;
  auto slow = must(fibers.spawn([&] {
    for (int i = 0; i < 5; ++i) fibers.yield();
    order += "slow ";
    return 3;
  }));
  auto waits = must(fibers.spawn(
      [&] {
        const int n = slow.join();
        auto inner = must(fibers.spawn([&] {
          order += "inner ";
          return n * 2;
        }));
        const int m = inner.join();
        order += "outer ";
        return m + 1;
      },
      roomy));
  CHECK(waits.join() == 7);
  CHECK(order == "slow inner outer ");
}

TEST_CASE("fiber: a handle that dies waits for its fiber, and so does one that is assigned to") {
  fiber_scheduler<> fibers;
  int ended = 0;
  {
    auto f = must(fibers.spawn([&] {
      fibers.yield();
      ++ended;
    }));
  }
  CHECK(ended == 1);
  auto outer = must(fibers.spawn(
      [&] {
        auto inner = must(fibers.spawn([&] {
          for (int i = 0; i < 3; ++i) fibers.yield();
          ++ended;
        }));
        inner = must(fibers.spawn([&] { ++ended; }));
        CHECK(ended >= 2);
      },
      roomy));
  outer.join();
  CHECK(ended == 3);
}

TEST_CASE("fiber: one without a handle runs on its own, and its stack serves the next") {
  fiber_scheduler<> fibers({.limit_bytes = 16 * 1024});
  int runs = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(fibers.start([&] { ++runs; }));
    const auto refused = fibers.start([] {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == frys::errc::limit_exceeded);
    fibers.run();
  }
  CHECK(runs == 100);
}

TEST_CASE("fiber: a size of stack that nobody has is an error") {
  fiber_scheduler<> fibers;
  CHECK(fibers.spawn([] {}, std::size_t{1} << 40 >> (sizeof(void*) == 4 ? 10 : 0)).error() ==
        frys::errc::limit_exceeded);
  auto large = must(fibers.spawn(
      [] {
        volatile char block[600'000];
        block[0] = 1;
        block[599'999] = 2;
        return block[0] + block[599'999];
      },
      1 << 20));
  CHECK(large.join() == 3);
}

TEST_CASE("fiber: a callable that is over has let go of what it held, before its handle is gone") {
  fiber_scheduler<> fibers;
  auto held = std::make_shared<int>(1);
  auto f = must(fibers.spawn([held] { return *held; }));
  CHECK(held.use_count() == 2);
  fibers.run();
  CHECK(held.use_count() == 1);
  CHECK(f.join() == 1);
  auto result = must(fibers.spawn([held] { return held; }));
  fibers.run();
  CHECK(held.use_count() == 2);
  result = frys::fiber<std::shared_ptr<int>>();
  CHECK(held.use_count() == 1);
}

#if FRYS_EXCEPTIONS
struct loud_copy {
  loud_copy() = default;
  loud_copy(const loud_copy&) { throw std::runtime_error("copied"); }
  void operator()() const {}
};

TEST_CASE("fiber: an exception is rethrown by join, and dropped with a handle that nobody joins") {
  fiber_scheduler<> fibers;
  auto f = must(fibers.spawn([&]() -> int {
    fibers.yield();
    throw std::runtime_error("from the fiber");
  }));
  CHECK_THROWS_WITH_AS(f.join(), "from the fiber", std::runtime_error);
  CHECK_FALSE(f.joinable());
  {
    auto dropped = must(fibers.spawn([] { throw 7; }));
  }
  auto joined_inside = must(fibers.spawn(
      [&] {
        auto inner = must(fibers.spawn([] { throw std::logic_error("inner"); }));
        try {
          inner.join();
        } catch (const std::logic_error& e) {
          return std::string(e.what());
        }
        return std::string("nothing");
      },
      roomy));
  CHECK(joined_inside.join() == "inner");
}

TEST_CASE("fiber: a callable that throws while it is moved in leaves nothing behind") {
  fiber_scheduler<> fibers({.limit_bytes = 16 * 1024});
  const loud_copy loud;
  CHECK_THROWS_AS((void)fibers.start(loud), std::runtime_error);
  CHECK(fibers.size() == 0);
  int runs = 0;
  REQUIRE(fibers.start([&] { ++runs; }));
  fibers.run();
  CHECK(runs == 1);
}

TEST_CASE_TEMPLATE("fiber: waiting inside a catch block is fine, whatever the others throw meanwhile", S,
                   EVERY_FIBER_SCHEDULER) {
  S fibers;
  std::vector<frys::fiber<std::string>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(must(fibers.spawn(
        [&, i] {
          std::string seen;
          for (int round = 0; round < 5; ++round) {
            try {
              throw i * 10 + round;
            } catch (int n) {
              fibers.yield();
              try {
                try {
                  throw std::to_string(n);
                } catch (...) {
                  fibers.yield();
                  throw;  // this fiber's own, not the last that anybody threw
                }
              } catch (const std::string& text) {
                seen += text + " ";
              }
              fibers.yield();
            }
          }
          return seen;
        },
        roomy)));
  try {
    throw 99;
  } catch (int) {
    fibers.run();  // so the thread itself has one in hand too
    CHECK(std::current_exception() != nullptr);
  }
  CHECK(std::current_exception() == nullptr);
  for (int i = 0; i < 4; ++i) {
    std::string wanted;
    for (int round = 0; round < 5; ++round) wanted += std::to_string(i * 10 + round) + " ";
    CHECK(all[static_cast<std::size_t>(i)].join() == wanted);
  }
}

TEST_CASE("fiber: a wait while an exception unwinds is fine") {
  fiber_scheduler<> fibers;
  std::vector<int> in_flight;
  struct waits_at_end {
    fiber_scheduler<>& s;
    std::vector<int>& in_flight;
    ~waits_at_end() {
      in_flight.push_back(std::uncaught_exceptions());
      s.yield();
      in_flight.push_back(std::uncaught_exceptions());
    }
  };
  auto unwinds = must(fibers.spawn([&] {
    try {
      waits_at_end w{fibers, in_flight};
      throw 1;
    } catch (int) {
    }
  }));
  int other = -1;
  auto looks = must(fibers.spawn([&] { other = std::uncaught_exceptions(); }));
  fibers.run();
  CHECK(in_flight == std::vector<int>{1, 1});
  CHECK(other == 0);
}
#endif

TEST_CASE("fiber_event: another thread wakes the fiber that waits for it, before it does or after") {
  fiber_scheduler<> fibers;
  std::vector<std::thread> threads;
  int woken = 0;  // plain: ThreadSanitizer sees a race if set does not order
  for (int i = 0; i < 4; ++i)
    REQUIRE(fibers.start(
        [&] {
          frys::fiber_event event;
          for (int round = 0; round < 20; ++round) {
            int answer = 0;
            threads.emplace_back([&event, &answer, round] {
              if (round % 3 == 0) std::this_thread::yield();
              answer = round;
              event.set();
            });
            if (round % 2 == 0) frys::this_fiber::yield();
            event.wait();
            if (answer == round) ++woken;
          }
        },
        roomy));
  fibers.run();
  for (auto& t : threads) t.join();
  CHECK(woken == 80);
}

TEST_CASE("fiber_event: a fiber has as many as it wants, and one that is set ends no other wait") {
  using namespace std::chrono_literals;
  fiber_scheduler<> fibers;
  std::string order;
  frys::fiber_event* first = nullptr;
  frys::fiber_event* second = nullptr;
  REQUIRE(fibers.start(
      [&] {
        frys::fiber_event a, b;
        first = &a;
        second = &b;
        auto other = must(fibers.spawn([&] {
          order += "a ";
          first->set();
          for (int i = 0; i < 3; ++i) fibers.yield();
          order += "end ";
        }));
        other.join();
        order += "joined ";
        CHECK(frys::this_fiber::sleep_for(1ns));
        REQUIRE(fibers.start([&] {
          order += "b ";
          second->set();
        }));
        b.wait();
        order += "then ";
        a.wait();
        order += "a";
      },
      roomy));
  fibers.run();
  CHECK(order == "a end joined b then a");
}

TEST_CASE("fiber: work that is posted runs on the thread of the scheduler, in its order, outside of fibers") {
  fiber_scheduler<> fibers;
  struct note : frys::work {
    note() : work(&runs) {}
    static void runs(work& w) noexcept {
      auto& n = static_cast<note&>(w);
      n.where = std::this_thread::get_id();
      n.in_fiber = frys::this_fiber::is_running();
      n.order = (*n.count)++;
      if (n.event != nullptr) n.event->set();
    }
    int* count = nullptr;
    frys::fiber_event* event = nullptr;
    std::thread::id where;
    bool in_fiber = true;
    int order = -1;
  };
  std::deque<note> notes(10);
  int count = 0;
  auto f = must(fibers.spawn(
      [&] {
        frys::fiber_event event;
        for (auto& n : notes) n.count = &count;
        notes.back().event = &event;
        std::thread other([&] {
          for (auto& n : notes) fibers.post(n);
        });
        event.wait();
        other.join();
      },
      roomy));
  f.join();
  int wanted = 0;
  for (auto& n : notes) {
    CHECK(n.where == std::this_thread::get_id());
    CHECK_FALSE(n.in_fiber);
    CHECK(n.order == wanted++);
  }
}

TEST_CASE("fiber: those that always are ready do not keep posted work waiting") {
  fiber_scheduler<> fibers;
  bool stop = false;
  struct stopper : frys::work {
    explicit stopper(bool& s) : work(&runs), stop(&s) {}
    static void runs(work& w) noexcept { *static_cast<stopper&>(w).stop = true; }
    bool* stop;
  } stops(stop);
  REQUIRE(fibers.start([&] {
    while (!stop) fibers.yield();
  }));
  REQUIRE(fibers.start([&] {
    while (!stop) fibers.yield();
  }));
  fibers.post(stops);
  fibers.run();
  CHECK(stop);
}

// A clock that tests move.
struct hand_clock {
  static inline std::atomic<std::int64_t> at{0};
  static frys::nanoseconds now() noexcept { return frys::nanoseconds(at.load()); }
};
// When nothing else goes on, time does: to the end of the wait.
struct time_goes_on {
  static constexpr bool sleeps = true;
  template <class A, class C = hand_clock, class Word>
  static bool wait(const Word&, std::uint32_t, frys::deadline until) noexcept {
    if (until.is_never()) return true;
    hand_clock::at = until.at.count();
    return false;
  }
};

TEST_CASE("fiber: sleepers wake in the order of their times, and not early") {
  using namespace std::chrono_literals;
  hand_clock::at = 0;
  fiber_scheduler<policy::clock<hand_clock>, policy::wait<time_goes_on>> fibers({.timer_tick = 1ms});
  std::vector<int> order;
  for (const int n : {30, 10, 20, 10'000})
    REQUIRE(fibers.start([&, n] {
      (void)fibers.sleep_until(frys::deadline{std::chrono::milliseconds(n)});
      if (hand_clock::now() >= std::chrono::milliseconds(n)) order.push_back(n);
    }));
  REQUIRE(fibers.start([&] {
    (void)frys::this_fiber::sleep_for(-5s);
    (void)frys::this_fiber::sleep_for(0s);
    order.push_back(0);
  }));
  fibers.run();
  CHECK(order == std::vector<int>{0, 10, 20, 30, 10'000});
}

TEST_CASE("fiber: sleeps by the machine's clock too") {
  using namespace std::chrono_literals;
  fiber_scheduler<> fibers;
  const auto start = frys::clocks::steady::now();
  REQUIRE(fibers.start([&] { CHECK(frys::this_fiber::sleep_for(3ms)); }, roomy));
  fibers.run();
  CHECK(frys::clocks::steady::now() - start >= 3ms);
}

TEST_CASE("fiber: run_ready answers whether some still wait") {
  fiber_scheduler<> fibers;
  CHECK_FALSE(fibers.run_ready());
  frys::fiber_event* wanted = nullptr;
  bool over = false;
  REQUIRE(fibers.start([&] {
    frys::fiber_event event;
    wanted = &event;
    event.wait();
    over = true;
  }));
  CHECK(fibers.run_ready());
  CHECK_FALSE(over);
  wanted->set();
  CHECK_FALSE(fibers.run_ready());
  CHECK(over);
}

TEST_CASE("fiber: one scheduler runs inside a fiber of another") {
  fiber_scheduler<> outer;
  std::string order;
  REQUIRE(outer.start(
      [&] {
        fiber_scheduler<> inner;
        REQUIRE(inner.start([&] {
          order += "inner ";
          frys::this_fiber::yield();
          order += "again ";
        }));
        inner.run();
        frys::this_fiber::yield();
        order += "outer ";
      },
      roomy));
  REQUIRE(outer.start([&] { order += "second "; }));
  outer.run();
  CHECK(order == "inner again second outer ");
}

// An executor that tests turn by hand.
struct by_hand {
  void post(frys::work& w) noexcept { works.push_back(&w); }
  bool turn() {
    if (works.empty()) return false;
    frys::work* w = works.front();
    works.pop_front();
    w->run(*w);
    return true;
  }
  std::deque<frys::work*> works;
};

TEST_CASE("fiber: an executor runs them, a while at a time, and others of it have their turns") {
  fiber_scheduler<> fibers;
  by_hand loop;
  int yields = 0;
  REQUIRE(fibers.start([&] {
    for (int i = 0; i < 10'000; ++i) fibers.yield(), ++yields;
  }));
  REQUIRE(fibers.start(
      [&] {
        for (int i = 0; i < 10'000; ++i) fibers.yield(), ++yields;
        CHECK(frys::this_fiber::sleep_for(frys::nanoseconds(1)).error() == frys::errc::unsupported);
      },
      roomy));
  fibers.run_on(loop);
  CHECK(yields == 0);
  int turns = 0;
  while (loop.turn()) ++turns;
  CHECK(yields == 20'000);
  CHECK(turns > 2);
  CHECK(fibers.size() == 0);
  // From outside of its turns a fiber comes by a post.
  int later = 0;
  REQUIRE(fibers.start([&] { ++later; }));
  CHECK(later == 0);
  while (loop.turn()) {
  }
  CHECK(later == 1);
}

TEST_CASE(
    "fiber: on an executor whose turns are taken by one thread after another, fibers go on where the last one "
    "stopped") {
  fiber_scheduler<> fibers;
  by_hand loop;
  std::vector<std::thread::id> seen;
  int sum = 0;
  REQUIRE(fibers.start([&] {
    for (int i = 0; i < 3000; ++i) {
      int n = i;
      fibers.yield();
      sum += n;
    }
  }));
  fibers.run_on(loop);
  int turns = 0;
  for (bool more = true; more; ++turns) std::thread([&] { more = loop.turn(); }).join();
  CHECK(turns > 2);
  CHECK(sum == 3000 * 2999 / 2);
}

frys::task<int> answers(int n) { co_return n; }
frys::task<int> adds(int a, int b) { co_return co_await answers(a) + co_await answers(b); }

// Something to await whose waiter tests resume.
struct gate {
  std::coroutine_handle<> waiting = nullptr;
  bool open = false;
  bool await_ready() const noexcept { return open; }
  void await_suspend(std::coroutine_handle<> h) noexcept { waiting = h; }
  int await_resume() const noexcept { return 5; }
};

TEST_CASE("fiber_await: waits for tasks and for whatever else coroutines wait for") {
  fiber_scheduler<> fibers;
  gate g, ready;
  ready.open = true;
  std::string order;
  auto waits = must(fibers.spawn(
      [&] {
        int sum = frys::fiber_await(adds(1, 2));
        sum += frys::fiber_await(ready);
        order += "waits ";
        sum += frys::fiber_await(g);
        order += "woken ";
        return sum;
      },
      roomy));
  auto opens = must(fibers.spawn([&] {
    order += "opens ";
    g.waiting.resume();
    order += "opened ";
  }));
  CHECK(waits.join() == 13);
  CHECK(order == "waits opens opened woken ");
}

TEST_CASE("fiber_await: whoever resumes may be another thread, and may be faster than the wait") {
  struct by_thread {
    std::thread* t;
    int answer = 0;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
      *t = std::thread([this, h] {
        answer = 7;
        h.resume();
      });
      return true;
    }
    int await_resume() const noexcept { return answer; }
  };
  struct refuses {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    int await_resume() const noexcept { return 1; }
  };
  struct passes_on {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept { return h; }
    void await_resume() const noexcept {}
  };
  fiber_scheduler<> fibers;
  int sum = 0;
  for (int i = 0; i < 20; ++i)
    REQUIRE(fibers.start(
        [&] {
          std::thread t;
          sum += frys::fiber_await(by_thread{&t});
          sum += frys::fiber_await(refuses{});
          frys::fiber_await(passes_on{});
          t.join();
        },
        roomy));
  fibers.run();
  CHECK(sum == 20 * 8);
}

#if FRYS_EXCEPTIONS
frys::task<int> fails() {
  throw std::runtime_error("in the task");
  co_return 1;
}
TEST_CASE("fiber_await: rethrows what the awaited one throws") {
  fiber_scheduler<> fibers;
  auto f = must(fibers.spawn([] { return frys::fiber_await(fails()); }, roomy));
  CHECK_THROWS_WITH_AS(f.join(), "in the task", std::runtime_error);
}
#endif

TEST_CASE("fiber: trim gives the stacks of those that are over back") {
  fiber_scheduler<> fibers;
  for (int i = 0; i < 50; ++i) REQUIRE(fibers.start([] {}));
  fibers.run();
  CHECK(fibers.trim(20 * 16 * 1024) == 30 * 16 * 1024);
  CHECK(fibers.trim() == 20 * 16 * 1024);
  CHECK(fibers.trim() == 0);
  int runs = 0;
  REQUIRE(fibers.start([&] { ++runs; }));
  fibers.run();
  CHECK(runs == 1);
}

}  // namespace
#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
