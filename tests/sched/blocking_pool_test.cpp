#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/fiber.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if FRYS_HAS_THREAD
#include <pthread.h>

namespace {

using namespace std::chrono_literals;
namespace policy = frys::policy;
using frys::blocking_pool;
using frys::deadline;
using frys::errc;

deadline soon() { return deadline::after<frys::clocks::steady>(60s); }

// A door at which work waits until the test opens it.
class door {
 public:
  void open() {
    is_open_ = true;
    is_open_.notify_all();
  }
  void pass() {
    ++waiting_;
    is_open_.wait(false);
  }
  void wait_for(int n) {
    while (waiting_ < n) std::this_thread::yield();
  }

 private:
  std::atomic<bool> is_open_{false};
  std::atomic<int> waiting_{0};
};

// Threads of the machine, but only so many.
struct scarce_threads : frys::os_threads {
  static inline std::atomic<int> left{1'000'000};
  static frys::result<frys::thread> start(const frys::thread_options& o, void (*run)(void*) noexcept,
                                          void* argument) noexcept {
    if (left.fetch_sub(1) <= 0) {
      ++left;
      return frys::error{errc::limit_exceeded, frys::domain::user, "no more threads", 11};
    }
    return frys::os_threads::start(o, run, argument);
  }
};
using scarce_pool = blocking_pool<policy::threads<scarce_threads>>;

template <class Pool = blocking_pool<>>
std::unique_ptr<Pool> make_pool(const frys::blocking_pool_options& o = {}) {
  auto pool = Pool::create(o);
  REQUIRE(pool);
  return *std::move(pool);
}

TEST_CASE("blocking_pool: runs what is submitted, and posted, on its threads") {
  auto pool = make_pool();
  CHECK(pool->stats().threads == 0);
  std::atomic<int> sum{0};
  std::thread::id where;
  REQUIRE(pool->submit([&, held = std::make_unique<int>(5)] {
    where = std::this_thread::get_id();
    sum += *held;
  }));
  struct adds : frys::work {
    explicit adds(std::atomic<int>& s) : work(&runs), sum(&s) {}
    static void runs(work& w) noexcept { *static_cast<adds&>(w).sum += 7; }
    std::atomic<int>* sum;
  } posted(sum);
  pool->post(posted);
  CHECK(pool->drain(soon()));
  CHECK(sum == 12);
  CHECK(where != std::this_thread::get_id());
  const auto s = pool->stats();
  CHECK(s.finished == 2);
  CHECK(s.unfinished == 0);
  CHECK(s.started >= 1);
}

TEST_CASE("blocking_pool: has a thread for each piece of work that waits, up to its most") {
  auto pool = make_pool({.most_threads = 4});
  door d;
  std::atomic<int> done{0};
  for (int i = 0; i < 10; ++i)
    REQUIRE(pool->submit([&] {
      d.pass();
      ++done;
    }));
  d.wait_for(4);
  CHECK(pool->stats().threads == 4);
  CHECK(pool->stats().unfinished == 10);
  CHECK(done == 0);
  d.open();
  CHECK(pool->drain(soon()));
  CHECK(done == 10);
  CHECK(pool->stats().started == 4);
}

TEST_CASE("blocking_pool: threads have a name with a number, and the stack that was asked for") {
  auto pool = make_pool({.name = "disk", .stack_bytes = 32u << 20});
  char name[64] = {};
  bool deep = false;
  const auto looks = [&] {
#if FRYS_OS_LINUX
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
#endif
    volatile char block[16u << 20];
    block[0] = 1;
    deep = block[0] == 1;
  };
  REQUIRE(pool->submit(looks));
  CHECK(pool->drain(soon()));
#if FRYS_OS_LINUX
  CHECK(std::string(name) == "disk-0");
#endif
  CHECK(deep);
}

TEST_CASE("blocking_pool: an idle thread works again, the last one that slept first, and the others go") {
  auto pool = make_pool({.keep_alive = 30ms});
  door d;
  for (int i = 0; i < 3; ++i) REQUIRE(pool->submit([&] { d.pass(); }));
  d.wait_for(3);
  CHECK(pool->stats().threads == 3);
  d.open();
  // One at a time, for longer than the others stay.
  std::set<std::thread::id> seen;
  std::atomic<int> runs{0};
  while (pool->stats().threads > 1) {
    const int before = runs;
    REQUIRE(pool->submit([&] {
      seen.insert(std::this_thread::get_id());
      ++runs;
    }));
    while (runs == before) std::this_thread::sleep_for(1ms);
  }
  CHECK(pool->stats().started >= 3);
  while (pool->stats().threads > 0) std::this_thread::sleep_for(1ms);  // and the last one
  std::atomic<bool> again{false};
  REQUIRE(pool->submit([&] { again = true; }));
  CHECK(pool->drain(soon()));
  CHECK(again);
}

TEST_CASE("blocking_pool: resident threads are there from the beginning, and stay") {
  auto pool = make_pool({.most_threads = 4, .resident = 2, .keep_alive = 1ms});
  CHECK(pool->stats().threads == 2);
  std::this_thread::sleep_for(20ms);
  CHECK(pool->stats().threads == 2);
  CHECK(pool->stats().started == 2);
}

TEST_CASE("blocking_pool: options that make no sense are an invalid argument") {
  CHECK(blocking_pool<>::create({.most_threads = 0}).error() == errc::invalid_argument);
  CHECK(blocking_pool<>::create({.most_threads = 5000}).error() == errc::invalid_argument);
  CHECK(blocking_pool<>::create({.most_threads = 2, .resident = 3}).error() == errc::invalid_argument);
}

TEST_CASE("blocking_pool: where no thread can be made work waits for one that is there") {
  scarce_threads::left = 1;
  auto pool = make_pool<scarce_pool>();
  door d;
  std::atomic<int> done{0};
  for (int i = 0; i < 5; ++i)
    REQUIRE(pool->submit([&] {
      d.pass();
      ++done;
    }));
  d.wait_for(1);
  CHECK(pool->stats().threads == 1);
  CHECK(pool->stats().refused >= 4);
  d.open();
  CHECK(pool->drain(soon()));
  CHECK(done == 5);
  scarce_threads::left = 1'000'000;
}

TEST_CASE("blocking_pool: without any thread, and none to be made, submit and run say so and nothing is queued") {
  scarce_threads::left = 0;
  CHECK(scarce_pool::create({.resident = 1}).error() == errc::limit_exceeded);
  auto pool = make_pool<scarce_pool>();
  auto held = std::make_shared<int>(1);
  bool ran = false;
  const auto refused = pool->submit([&, held] { ran = true; });
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == errc::limit_exceeded);
  CHECK(refused.error().number == 11);
  CHECK(held.use_count() == 1);
  CHECK(pool->stats().unfinished == 0);
  const auto body = [&]() -> frys::task<errc> {
    const auto r = co_await pool->run([&] { ran = true; });
    co_return r.error().code;
  };
  CHECK(frys::sync_wait(body()) == errc::limit_exceeded);
  // What is posted cannot be refused: it waits until a thread can be made.
  struct sets : frys::work {
    explicit sets(bool& b) : work(&runs), flag(&b) {}
    static void runs(work& w) noexcept { *static_cast<sets&>(w).flag = true; }
    bool* flag;
  };
  bool posted_ran = false;
  sets posted(posted_ran);
  pool->post(posted);
  CHECK(pool->stats().unfinished == 1);
  scarce_threads::left = 1'000'000;
  CHECK(pool->drain(soon()));
  CHECK(posted_ran);
  CHECK_FALSE(ran);
}

TEST_CASE("blocking_pool: closed, it refuses") {
  auto pool = make_pool();
  pool->close();
  const auto r = pool->submit([] {});
  REQUIRE_FALSE(r);
  CHECK(r.error() == errc::closed);
  const auto body = [&]() -> frys::task<errc> {
    const auto answer = co_await pool->run([] { return 1; });
    co_return answer.error().code;
  };
  CHECK(frys::sync_wait(body()) == errc::closed);
  CHECK(pool->drain(soon()));
}

TEST_CASE("blocking_pool: a drain has its deadline, and a shutdown cancels what has not begun by then") {
  auto pool = make_pool({.most_threads = 1});
  door d;
  auto held = std::make_shared<int>(1);
  std::atomic<int> done{0};
  REQUIRE(pool->submit([&] {
    d.pass();
    ++done;
  }));
  d.wait_for(1);
  for (int i = 0; i < 3; ++i) REQUIRE(pool->submit([&, held] { ++done; }));
  CHECK(held.use_count() == 4);
  CHECK(pool->drain(deadline::now()).error() == errc::timed_out);
  CHECK(held.use_count() == 4);
  CHECK(pool->shutdown(deadline::after<frys::clocks::steady>(1ms)).error() == errc::timed_out);
  CHECK(held.use_count() == 1);
  CHECK(pool->stats().unfinished == 1);
  d.open();
  CHECK(pool->drain(soon()));
  CHECK(done == 1);
}

TEST_CASE("blocking_pool: its end waits for what runs, destroys callables that have not begun, and cancels awaits") {
  auto held = std::make_shared<int>(1);
  std::atomic<int> done{0};
  door d;
  errc seen{};
  {
    auto pool = make_pool({.most_threads = 1});
    REQUIRE(pool->submit([&] {
      d.pass();
      ++done;
    }));
    d.wait_for(1);
    REQUIRE(pool->submit([&, held] { ++done; }));
    frys::spawn([](blocking_pool<>& p, errc& e) -> frys::task<> {
      const auto r = co_await p.run([] { return 1; });
      e = r ? errc::busy : r.error().code;
    }(*pool, seen));
    std::thread opens([&] { d.open(); });
    pool.reset();
    opens.join();
  }
  CHECK(done >= 1);
  if (done == 1) CHECK(seen == errc::cancelled);  // unless the door was open before the pool was told to stop
  CHECK(held.use_count() == 1);
}

TEST_CASE("blocking_pool: work may submit more work") {
  auto pool = make_pool({.most_threads = 3});
  std::atomic<int> runs{0};
  std::atomic<int> refused{0};
  struct tree {
    static void grow(blocking_pool<>& p, std::atomic<int>& runs, std::atomic<int>& refused, int depth) {
      ++runs;
      if (depth == 0) return;
      for (int i = 0; i < 2; ++i)
        if (!p.submit([&p, &runs, &refused, depth] { grow(p, runs, refused, depth - 1); })) ++refused;
    }
  };
  REQUIRE(pool->submit([&] { tree::grow(*pool, runs, refused, 6); }));
  while (runs + refused < 127) std::this_thread::yield();
  CHECK(pool->drain(soon()));
  CHECK(runs == 127);
}

TEST_CASE("blocking_pool: many threads submit, and every piece of work runs once") {
  for (const unsigned most : {1u, 2u, 16u}) {
    auto pool = make_pool({.most_threads = most, .keep_alive = 1ms});
    std::vector<std::atomic<int>> ran(2000);
    std::vector<std::thread> senders;
    for (std::size_t from = 0; from < 4; ++from)
      senders.emplace_back([&, from] {
        for (std::size_t i = from; i < ran.size(); i += 4) {
          while (!pool->submit([&ran, i] { ++ran[i]; })) std::this_thread::yield();
          if (i % 400 < 4) std::this_thread::sleep_for(2ms);  // threads go, and come again
        }
      });
    for (auto& s : senders) s.join();
    CHECK(pool->drain(soon()));
    int wrong = 0;
    for (auto& n : ran) wrong += n != 1;
    CHECK(wrong == 0);
    CHECK(pool->stats().finished == ran.size());
    CHECK(pool->stats().threads <= most);
  }
}

frys::task<int> asks(blocking_pool<>& pool, std::thread::id& ran_in, std::thread::id& after) {
  const frys::result<int> r = co_await pool.run([&] {
    ran_in = std::this_thread::get_id();
    return 42;
  });
  after = std::this_thread::get_id();
  co_return r.value_or(-1);
}

TEST_CASE("blocking_pool: run answers what the callable answers, on the thread that ran it") {
  auto pool = make_pool();
  std::thread::id ran_in, after;
  CHECK(frys::sync_wait(asks(*pool, ran_in, after)) == 42);
  CHECK(ran_in != std::this_thread::get_id());
  CHECK(after == ran_in);
}

TEST_CASE("blocking_pool: run takes void, things that only move, and results as they are") {
  auto pool = make_pool();
  const auto body = [&]() -> frys::task<int> {
    int n = 0;
    const frys::result<void> nothing = co_await pool->run([&] { n += 1; });
    n += nothing ? 10 : 0;
    frys::result<std::unique_ptr<int>> owned = co_await pool->run([] { return std::make_unique<int>(100); });
    n += **owned;
    const frys::result<int> failed = co_await pool->run([]() -> frys::result<int> {
      return frys::error{errc::not_found, frys::domain::user, "no", 0};
    });
    n += failed.error() == errc::not_found ? 1000 : 0;
    co_return n;
  };
  CHECK(frys::sync_wait(body()) == 1111);
}

// An executor with a thread of its own... which is whoever calls turn.
struct by_turns {
  void post(frys::work& w) noexcept {
    frys::work* old = last.load();
    do w.next = old;
    while (!last.compare_exchange_weak(old, &w));
  }
  bool turn() {
    frys::work* w = last.exchange(nullptr);
    const bool any = w != nullptr;
    while (w != nullptr) {
      frys::work* next = w->next;
      w->run(*w);
      w = next;
    }
    return any;
  }
  std::atomic<frys::work*> last{nullptr};
};

TEST_CASE("blocking_pool: run with an executor goes on where that runs it") {
  auto pool = make_pool();
  by_turns loop;
  std::thread::id after;
  int answer = 0;
  frys::spawn([](blocking_pool<>& p, by_turns& l, std::thread::id& a, int& n) -> frys::task<> {
    n = (co_await p.run([] { return 6; }, l)).value();
    a = std::this_thread::get_id();
  }(*pool, loop, after, answer));
  while (!loop.turn()) std::this_thread::yield();
  CHECK(answer == 6);
  CHECK(after == std::this_thread::get_id());
}

#if FRYS_HAS_CONTEXT
TEST_CASE("blocking_pool: a fiber waits for it without a thread of its own") {
  auto pool = make_pool();
  frys::fiber_scheduler<> fibers;
  int sum = 0;
  for (int i = 0; i < 20; ++i)
    REQUIRE(fibers.start([&, i] { sum += frys::fiber_await(pool->run([i] { return i; })).value(); }, 64 * 1024));
  fibers.run();
  CHECK(sum == 190);
}
#endif

#if FRYS_EXCEPTIONS
TEST_CASE("blocking_pool: run rethrows what the callable throws") {
  auto pool = make_pool();
  const auto body = [&]() -> frys::task<std::string> {
    try {
      (void)co_await pool->run([]() -> int { throw std::runtime_error("in the pool"); });
    } catch (const std::runtime_error& e) {
      co_return e.what();
    }
    co_return "nothing";
  };
  CHECK(frys::sync_wait(body()) == "in the pool");
}

TEST_CASE("blocking_pool: what a submitted callable throws goes to options.failed") {
  static std::atomic<int> failures{0};
  failures = 0;
  auto pool = make_pool({.failed = [](std::exception_ptr e) noexcept {
    try {
      std::rethrow_exception(e);
    } catch (int n) {
      failures += n;
    }
  }});
  REQUIRE(pool->submit([] { throw 7; }));
  REQUIRE(pool->submit([] { throw 8; }));
  CHECK(pool->drain(soon()));
  CHECK(failures == 15);
}

struct throws_when_copied {
  throws_when_copied() = default;
  throws_when_copied(const throws_when_copied&) { throw 1; }
  void operator()() const {}
};
TEST_CASE("blocking_pool: a callable that throws while it is moved in leaves nothing behind") {
  auto pool = make_pool();
  const throws_when_copied bad;
  CHECK_THROWS_AS((void)pool->submit(bad), int);
  CHECK(pool->stats().unfinished == 0);
  std::atomic<bool> ran{false};
  REQUIRE(pool->submit([&] { ran = true; }));
  CHECK(pool->drain(soon()));
  CHECK(ran);
}
#endif

}  // namespace
#endif  // FRYS_HAS_THREAD
