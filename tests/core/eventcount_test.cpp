#include <frys/core/eventcount.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using frys::deadline;

// Counts the system calls that a notify would make, and how often a waiter sleeps.
struct counting : frys::atomics::standard {
  static inline std::atomic<int> wakes{0};
  static inline std::atomic<int> sleeps{0};
  static bool wait(const std::atomic<std::uint32_t>& word, std::uint32_t old, deadline until) noexcept {
    ++sleeps;
    return frys::atomics::standard::wait(word, old, until);
  }
  static void notify_one(std::atomic<std::uint32_t>& word) noexcept {
    ++wakes;
    frys::atomics::standard::notify_one(word);
  }
  static void notify_all(std::atomic<std::uint32_t>& word) noexcept {
    ++wakes;
    frys::atomics::standard::notify_all(word);
  }
};

// Producers put tokens into a counter, consumers take one each; one lost wake-up and this never ends.
template <class W>
void loses_no_wake(unsigned producers, unsigned consumers, std::uint32_t each) {
  frys::eventcount<frys::policy::wait<W>> ec;
  std::atomic<std::uint32_t> tokens{0};
  std::atomic<std::uint32_t> taken{0};
  const std::uint32_t total = producers * each;
  auto try_take = [&] {
    std::uint32_t n = tokens.load(std::memory_order_relaxed);
    while (n > 0)
      if (tokens.compare_exchange_weak(n, n - 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    return false;
  };
  std::vector<std::thread> threads;
  for (unsigned c = 0; c < consumers; ++c)
    threads.emplace_back([&] {
      for (;;) {
        bool stop = false;
        ec.await([&] { return try_take() || (stop = taken.load() == total); });
        if (stop) return;
        if (taken.fetch_add(1) + 1 == total) return ec.notify_all();
      }
    });
  for (unsigned p = 0; p < producers; ++p)
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; i < each; ++i) {
        tokens.fetch_add(1, std::memory_order_release);
        ec.notify_one();
      }
    });
  for (auto& t : threads) t.join();
  CHECK(taken.load() == total);
  CHECK(tokens.load() == 0);
}

}  // namespace

TEST_CASE("eventcount: a notify between prepare and commit ends the wait") {
  frys::eventcount<> ec;
  auto key = ec.prepare_wait();
  ec.notify_one();
  ec.commit_wait(key);
  key = ec.prepare_wait();
  ec.notify_all();
  CHECK(ec.commit_wait_until(key, deadline::now()));
}

TEST_CASE("eventcount: a notify before prepare does not count") {
  frys::eventcount<> ec;
  ec.notify_all();
  const auto key = ec.prepare_wait();
  CHECK_FALSE(ec.commit_wait_until(key, deadline::now()));
}

TEST_CASE("eventcount: a deadline that has passed ends the wait at once") {
  frys::eventcount<> ec;
  CHECK_FALSE(ec.commit_wait_until(ec.prepare_wait(), deadline::now()));
  CHECK_FALSE(ec.commit_wait_until(ec.prepare_wait(), deadline{0ns}));
  CHECK_FALSE(ec.await_until([] { return false; }, deadline::now()));
  CHECK(ec.await_until([] { return true; }, deadline::now()));
  const auto until = deadline::after<frys::clocks::steady>(1ms);
  CHECK_FALSE(ec.await_until([] { return false; }, until));
  CHECK(until.has_passed<frys::clocks::steady>());
}

TEST_CASE("eventcount: notify without a waiter makes no system call") {
  frys::eventcount<frys::policy::atomics<counting>, frys::policy::wait<frys::wait::park>> ec;
  counting::wakes = 0;
  for (int i = 0; i < 100; ++i) {
    ec.notify_one();
    ec.notify_all();
  }
  CHECK(counting::wakes.load() == 0);
  const auto key = ec.prepare_wait();
  (void)key;
  ec.cancel_wait();
  ec.notify_one();
  CHECK(counting::wakes.load() == 0);
}

TEST_CASE("eventcount: an idle waiter sleeps once, it does not poll") {
  frys::eventcount<frys::policy::atomics<counting>> ec;
  counting::sleeps = 0;
  std::atomic<bool> done{false};
  std::thread waiter([&] { ec.await([&] { return done.load(); }); });
  while (counting::sleeps.load() == 0) std::this_thread::yield();
  std::this_thread::sleep_for(5ms);
  CHECK(counting::sleeps.load() <= 2);
  done = true;
  ec.notify_one();
  waiter.join();
}

TEST_CASE("eventcount: notify_all wakes every waiter") {
  frys::eventcount<frys::policy::wait<frys::wait::park>> ec;
  int published = 0;  // plain: ThreadSanitizer sees a race if the wait does not order
  std::atomic<bool> go{false};
  std::vector<std::thread> waiters;
  std::atomic<int> sum{0};
  for (int i = 0; i < 4; ++i)
    waiters.emplace_back([&] {
      ec.await([&] { return go.load(std::memory_order_acquire); });
      sum += published;
    });
  std::this_thread::sleep_for(1ms);
  published = 10;
  go.store(true, std::memory_order_release);
  ec.notify_all();
  for (auto& t : waiters) t.join();
  CHECK(sum.load() == 40);
}

TEST_CASE("eventcount: what was done before notify is visible after the commit that it ended") {
  frys::eventcount<> ec;
  for (int i = 0; i < 200; ++i) {
    int published = 0;
    const auto key = ec.prepare_wait();
    std::thread notifier([&] {
      published = 1;
      ec.notify_one();
    });
    // Only the epoch carries the message: published is looked at once the wait reports a notify.
    if (ec.commit_wait_until(key, deadline::never())) CHECK(published == 1);
    notifier.join();
  }
}

TEST_CASE("eventcount: no wake-up is lost between one producer and one consumer") {
  loses_no_wake<frys::wait::park>(1, 1, 20000);
  loses_no_wake<frys::wait::spin_then_park>(1, 1, 20000);
  loses_no_wake<frys::wait::yield>(1, 1, 5000);
}

TEST_CASE("eventcount: no wake-up is lost among several producers and consumers") {
  loses_no_wake<frys::wait::park>(2, 3, 10000);
  loses_no_wake<frys::wait::spin_then_park>(3, 2, 10000);
}
