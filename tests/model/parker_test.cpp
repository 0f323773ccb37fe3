#include <frys/core/parker.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
template <class W>
using parker_of = frys::parker<with_model, frys::policy::wait<W>>;
using no_spin = frys::wait::basic_spin_then_park<0>;

// The owner parks once, another thread unparks once.
template <class W>
void unpark_against_park() {
  parker_of<W> p;
  typename A::template var<int> payload(0);
  model::threads(
      [&] {
        p.park();
        model::require(payload.get() == 7, "what was done before unpark is visible");
      },
      [&] {
        payload.ref() = 7;
        p.unpark();
      });
}

// Two unparks from two threads: the owner that parks until it has seen both tasks is not left asleep.
template <class W>
void two_unparkers() {
  parker_of<W> p;
  A::atomic<std::uint32_t> tasks{0};
  const auto give = [&] {
    tasks.fetch_add(1, std::memory_order_relaxed);
    p.unpark();
  };
  model::threads(
      [&] {
        while (tasks.load(std::memory_order_relaxed) != 2) p.park();
      },
      give, give);
}

// The permits of two turns.
template <class W>
void ping_pong() {
  parker_of<W> left, right;
  typename A::template var<int> ball(0);
  model::threads(
      [&] {
        ball.ref() = 1;
        right.unpark();
        left.park();
        model::require(ball.get() == 2, "the ball comes back");
      },
      [&] {
        right.park();
        ball.ref() = ball.get() + 1;
        left.unpark();
      });
}

// A deadline that passes takes no permit that comes later, and loses none that came.
void deadline_passes() {
  parker_of<frys::wait::park> p;
  bool taken = false;
  typename A::template var<int> payload(0);
  model::threads(
      [&] {
        taken = p.park_until(frys::deadline{frys::nanoseconds(1)});
        if (taken) model::require(payload.get() == 7, "what was done before unpark is visible");
      },
      [&] {
        payload.ref() = 7;
        p.unpark();
      });
  if (!taken) p.park();
}

TEST_CASE("parker under the model: an unpark is not lost, and publishes") {
  holds(&unpark_against_park<frys::wait::park>);
  holds(&unpark_against_park<no_spin>);
  holds(&unpark_against_park<frys::wait::spin>);
}
TEST_CASE("parker under the model: two unparkers do not leave the owner asleep") {
  holds(&two_unparkers<no_spin>);
  holds(&two_unparkers<frys::wait::spin>);
}
TEST_CASE("parker under the model: turns by two parkers") { holds(&ping_pong<no_spin>); }
TEST_CASE("parker under the model: a deadline loses no permit") { holds(&deadline_passes); }

}  // namespace
