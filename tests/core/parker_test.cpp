#include <frys/core/parker.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using frys::deadline;

// The machine's atomics, but every sleep ends for no reason, and wake-ups are counted.
struct restless : frys::atomics::standard {
  static inline std::atomic<int> sleeps{0};
  static inline std::atomic<int> wakes{0};
  static bool wait(const std::atomic<std::uint32_t>&, std::uint32_t, deadline until) noexcept {
    ++sleeps;
    std::this_thread::yield();
    return !until.has_passed<frys::clocks::steady>();
  }
  static void notify_one(std::atomic<std::uint32_t>&) noexcept { ++wakes; }
};

// The machine's atomics, with a call after the next look at the word: another thread comes in between.
struct looked_at : frys::atomics::standard {
  static inline void (*after_look)() = nullptr;
  template <class T>
  struct atomic : std::atomic<T> {
    using std::atomic<T>::atomic;
    T load(std::memory_order order) const noexcept {
      const T seen = std::atomic<T>::load(order);
      if (auto* call = std::exchange(after_look, nullptr)) call();
      return seen;
    }
  };
};

template <class W>
void hands_over(int rounds) {
  using parker = frys::parker<frys::policy::wait<W>>;
  parker ping, pong;
  int baton = 0;  // plain: ThreadSanitizer sees a race if park does not order
  std::thread other([&] {
    for (int i = 0; i < rounds; ++i) {
      ping.park();
      ++baton;
      pong.unpark();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    ++baton;
    ping.unpark();
    pong.park();
  }
  other.join();
  CHECK(baton == 2 * rounds);
}

}  // namespace

TEST_CASE("parker: an unpark before the park is not lost") {
  frys::parker<> p;
  p.unpark();
  p.park();
  CHECK_FALSE(p.park_until(deadline::now()));  // the permit is gone
}

TEST_CASE("parker: permits do not add up") {
  frys::parker<> p;
  p.unpark();
  p.unpark();
  CHECK(p.park_until(deadline::now()));
  CHECK_FALSE(p.park_until(deadline::now()));
}

TEST_CASE("parker: a deadline that has passed only tries") {
  frys::parker<> p;
  CHECK_FALSE(p.park_until(deadline::now()));
  CHECK_FALSE(p.park_until(deadline{0ns}));
  CHECK_FALSE(p.park_until(deadline{frys::clocks::steady::now()}));
  p.unpark();
  CHECK(p.park_until(deadline::now()));
}

TEST_CASE("parker: park_until sleeps until the deadline, not less, and parks again after it") {
  frys::parker<frys::policy::wait<frys::wait::park>> p;
  for (int i = 0; i < 3; ++i) {
    const auto until = deadline::after<frys::clocks::steady>(1ms);
    CHECK_FALSE(p.park_until(until));
    CHECK(until.has_passed<frys::clocks::steady>());
  }
  p.unpark();
  p.park();
}

TEST_CASE("parker: a sleep that ends for no reason is no permit") {
  using parker = frys::parker<frys::policy::atomics<restless>, frys::policy::wait<frys::wait::park>>;
  restless::sleeps = 0;
  parker p;
  CHECK_FALSE(p.park_until(deadline::after<frys::clocks::steady>(1ms)));
  std::thread waker([&] {
    while (restless::sleeps.load() < 50) std::this_thread::yield();
    p.unpark();
  });
  p.park();
  waker.join();
  CHECK(restless::sleeps.load() >= 50);
}

TEST_CASE("parker: a wake-up is one system call, and only for a sleeper") {
  using parker = frys::parker<frys::policy::atomics<restless>, frys::policy::wait<frys::wait::park>>;
  parker p;
  restless::wakes = 0;
  p.unpark();
  p.unpark();
  CHECK(restless::wakes.load() == 0);
  p.park();
  std::thread waker([&] {
    const int before = restless::sleeps.load();
    while (restless::sleeps.load() < before + 3) std::this_thread::yield();
    p.unpark();
    p.unpark();
  });
  p.park();
  waker.join();
  CHECK(restless::wakes.load() == 1);
}

TEST_CASE("parker: hands over under every wait policy") {
  hands_over<frys::wait::spin>(200);
  hands_over<frys::wait::yield>(2000);
  hands_over<frys::wait::park>(2000);
  hands_over<frys::wait::spin_then_park>(2000);
}

TEST_CASE("parker: what was written before any unpark is seen by the owner, whoever gave the permit") {
  // Two wakers and one owner that looks for work after each park. If an unpark could be swallowed together with what
  // was written before it, the owner would sleep for ever.
  constexpr std::uint32_t rounds = 20000;
  frys::parker<> p;
  std::atomic<std::uint32_t> first{0}, second{0};
  auto waker = [&](std::atomic<std::uint32_t>& done) {
    for (std::uint32_t i = 1; i <= rounds; ++i) {
      done.store(i, std::memory_order_relaxed);  // relaxed: unpark and park order it
      p.unpark();
    }
  };
  std::thread a(waker, std::ref(first)), b(waker, std::ref(second));
  while (first.load(std::memory_order_relaxed) != rounds || second.load(std::memory_order_relaxed) != rounds) p.park();
  a.join();
  b.join();
  CHECK(first.load() == rounds);
}

TEST_CASE("parker: many handovers at the last moment of a deadline lose nothing") {
  frys::parker<> p;
  std::atomic<std::uint32_t> turn{0};
  constexpr std::uint32_t rounds = 2000;
  std::thread waker([&] {
    for (std::uint32_t i = 1; i <= rounds; ++i) {
      while (turn.load(std::memory_order_acquire) != i) std::this_thread::yield();
      p.unpark();
    }
  });
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    turn.store(i, std::memory_order_release);
    // Each unpark ends exactly one park, however many time out before.
    while (!p.park_until(deadline::after<frys::clocks::steady>(20us))) {
    }
  }
  CHECK_FALSE(p.park_until(deadline::now()));
  waker.join();
}

TEST_CASE("parker: an unpark between the owner's look and its taking of the permit publishes too") {
  // ThreadSanitizer reports a race on `published` if park takes the permit without acquiring the second unpark.
  static frys::parker<frys::policy::atomics<looked_at>> p;
  static int published = 0;
  published = 0;
  static std::atomic<bool> done{false};
  static std::thread second;
  done = false;
  p.unpark();
  looked_at::after_look = [] {
    second = std::thread([] {
      published = 1;
      p.unpark();
      done.store(true, std::memory_order_relaxed);  // relaxed: only tells that it happened, publishes nothing
    });
    while (!done.load(std::memory_order_relaxed)) std::this_thread::yield();
  };
  p.park();
  CHECK(published == 1);
  second.join();
  CHECK_FALSE(p.park_until(deadline::now()));  // both permits were one
}
