#include <frys/core/tsc_clock.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;

// One counter for all threads, which counts whenever it is looked at; a tick is a millisecond, so that a piece is over
// after a few looks. It orders nothing but itself, as a machine's.
A::atomic<std::uint64_t>* beat = nullptr;
unsigned by = 1;

struct counter {
  static constexpr bool is_present = true;
  static std::uint64_t ticks() noexcept { return ordered_ticks(); }
  static std::uint64_t ordered_ticks() noexcept { return beat->fetch_add(by, std::memory_order_relaxed) + 1; }
  static bool is_usable() noexcept { return true; }
};
// Goes with the counter, now at half its rate and now half as fast again, so that pieces begin and bend in many
// ways.
struct wavering {
  static frys::nanoseconds now() noexcept {
    const std::uint64_t t = counter::ordered_ticks(), in = t % 32;
    const std::uint64_t ms2 = (t - in) * 2 + (in < 16 ? in : 16 + (in - 16) * 3);
    return frys::nanoseconds(static_cast<std::int64_t>(ms2 * 500'000));
  }
};
using line = frys::counter_clock<counter, with_model, frys::policy::clock<wavering>>;

template <class Body>
void with_line(unsigned step, unsigned warm_calls, Body body) {
  A::atomic<std::uint64_t> count{100};
  beat = &count;
  by = step;
  line l;
  for (unsigned i = 0; i < warm_calls; ++i) (void)l.now();
  body(l);
}

// A time that was handed over is not later than one that is asked for then; whatever is drawn in between.
template <unsigned Step, unsigned Warm>
void handed_over() {
  with_line(Step, Warm, [](line& l) {
    A::atomic<int> handed{0};
    A::var<std::int64_t> time{0};
    model::threads(
        [&] {
          time.ref() = l.now_ordered().count();
          handed.store(1, std::memory_order_release);
        },
        [&] {
          const std::int64_t first = l.now_ordered().count();
          if (handed.load(std::memory_order_acquire) == 0) return;
          const std::int64_t theirs = time.get();
          const std::int64_t ours = l.now_ordered().count();
          model::require(ours >= theirs, "time does not go back from thread to thread");
          model::require(ours >= first, "time does not go back in a thread");
        });
  });
}

// Two threads that ask again and again, over the end of a piece.
template <unsigned Step, unsigned Warm>
void in_one_thread() {
  with_line(Step, Warm, [](line& l) {
    const auto ask = [&] {
      std::int64_t last = 0;
      for (unsigned i = 0; i < 3; ++i) {
        const std::int64_t t = l.now().count();
        model::require(t >= last, "time does not go back in a thread");
        last = t;
      }
    };
    model::threads(ask, ask);
    model::require(l.now().count() > 0, "and it goes on");
  });
}

// One thread reads a piece while another one draws the next: it gets all of the one or all of the other. A tick is a
// quarter of a millisecond here, so that a piece lasts for some readings.
struct quarter {
  static frys::nanoseconds now() noexcept {
    const std::uint64_t t = counter::ordered_ticks(), in = t % 128;
    const std::uint64_t halves = (t - in) * 2 + (in < 64 ? in : 64 + (in - 64) * 3);
    return frys::nanoseconds(static_cast<std::int64_t>(halves * 125'000));
  }
};
template <unsigned Warm>
void drawn_meanwhile() {
  A::atomic<std::uint64_t> count{100};
  beat = &count;
  by = 1;
  frys::counter_clock<counter, with_model, frys::policy::clock<quarter>> l;
  for (unsigned i = 0; i < Warm; ++i) (void)l.now();
  model::threads(
      [&] {
        std::int64_t last = 0;
        for (unsigned i = 0; i < 3; ++i) {
          const std::int64_t t = l.now().count();
          model::require(t >= last, "time does not go back in a thread");
          last = t;
        }
      },
      [&] {
        for (unsigned i = 0; i < 12; ++i) (void)l.now();
      });
}

TEST_CASE("tsc_clock under the model: a time that was handed over is not later than now_ordered") {
  holds_at_random(&handed_over<1, 0>, 1'000);  // not calibrated yet
  holds_at_random(&handed_over<3, 2>, 1'000);  // calibrated in between
  holds_at_random(&handed_over<3, 5>, 1'000);  // within a piece, or over its end
  holds_at_random(&handed_over<6, 6>, 1'000);  // one piece after the other
}
TEST_CASE("tsc_clock under the model: time does not go back in a thread, whoever draws") {
  holds_at_random(&in_one_thread<3, 2>, 3'000);
  holds_at_random(&in_one_thread<4, 5>, 3'000);
  holds_at_random(&in_one_thread<2, 5>, 3'000);
  holds_at_random(&in_one_thread<1, 40>, 3'000);
  holds_at_random(&in_one_thread<7, 9>, 3'000);
}
TEST_CASE("tsc_clock under the model: a piece is read whole") {
  holds_at_random(&drawn_meanwhile<40>, 4'000);
  holds_at_random(&drawn_meanwhile<60>, 4'000);
  holds_at_random(&drawn_meanwhile<75>, 4'000);
  holds_at_random(&drawn_meanwhile<90>, 4'000);
}

}  // namespace
