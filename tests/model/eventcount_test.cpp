#include <frys/core/eventcount.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
template <class W>
using count_of = frys::eventcount<with_model, frys::policy::wait<W>>;
using flag = A::atomic<std::uint32_t>;

// One waits for a flag that another one sets; what the setter wrote before is visible behind the wait.
template <class W>
void one_waits() {
  count_of<W> ec;
  flag ready{0};
  typename A::template var<int> payload(0);
  model::threads(
      [&] {
        ec.await([&] { return ready.load(std::memory_order_acquire) != 0; });
        model::require(payload.get() == 7, "what was done before notify is visible");
      },
      [&] {
        payload.ref() = 7;
        ready.store(1, std::memory_order_release);
        ec.notify_one();
      });
}

// The wait itself makes visible what was done before the notify that ended it.
template <class W>
void notify_publishes() {
  count_of<W> ec;
  flag prepared{0};
  typename A::template var<int> payload(0);
  model::threads(
      [&] {
        const auto key = ec.prepare_wait();
        prepared.store(1, std::memory_order_relaxed);
        ec.commit_wait(key);
        model::require(payload.get() == 7, "what was done before notify is visible");
      },
      [&] {
        while (prepared.load(std::memory_order_relaxed) == 0) A::pause();
        payload.ref() = 7;
        ec.notify_one();
      });
}

// Two wait for one flag.
template <class W>
void two_wait() {
  count_of<W> ec;
  flag ready{0};
  const auto wait = [&] { ec.await([&] { return ready.load(std::memory_order_relaxed) != 0; }); };
  model::threads(wait, wait, [&] {
    ready.store(1, std::memory_order_relaxed);
    ec.notify_all();
  });
}

// Two tokens, two notifies, two takers: each wake-up is for one of them.
template <class W>
void tokens() {
  count_of<W> ec;
  flag count{0};
  const auto take = [&] {
    ec.await([&] {
      std::uint32_t n = count.load(std::memory_order_relaxed);
      while (n > 0)
        if (count.compare_exchange_weak(n, n - 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
      return false;
    });
  };
  model::threads(take, take, [&] {
    for (int i = 0; i < 2; ++i) {
      count.fetch_add(1, std::memory_order_release);
      ec.notify_one();
    }
  });
  model::require(count.load(std::memory_order_relaxed) == 0, "each token is taken once");
}

// With a deadline the wait may end without a notify; the answer is the condition's.
void deadline_passes() {
  count_of<frys::wait::park> ec;
  flag ready{0};
  bool seen = false;
  model::threads(
      [&] {
        seen = ec.await_until([&] { return ready.load(std::memory_order_acquire) != 0; },
                              frys::deadline{frys::nanoseconds(1)});
      },
      [&] {
        ready.store(1, std::memory_order_release);
        ec.notify_one();
      });
  model::require(!seen || ready.load(std::memory_order_relaxed) != 0, "await answers the condition");
}

TEST_CASE("eventcount under the model: one waiter loses no wake-up and sees what was done before") {
  holds(&one_waits<frys::wait::park>);
  holds(&one_waits<frys::wait::basic_spin_then_park<0>>);
  holds(&one_waits<frys::wait::spin>);
}
TEST_CASE("eventcount under the model: the wait sees what was done before the notify that ended it") {
  holds(&notify_publishes<frys::wait::park>);
  holds(&notify_publishes<frys::wait::basic_spin_then_park<0>>);
}
TEST_CASE("eventcount under the model: notify_all wakes both") {
  holds(&two_wait<frys::wait::basic_spin_then_park<0>>);
}
TEST_CASE("eventcount under the model: two notifies are two wake-ups") {
  // Exhaustively this takes a quarter of a minute.
  holds_mostly(&tokens<frys::wait::basic_spin_then_park<0>>);
}
TEST_CASE("eventcount under the model: a deadline ends the wait") { holds(&deadline_passes); }

}  // namespace
