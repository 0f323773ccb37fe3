#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include <frys/core/parker.hpp>
#include <frys/core/tsc_clock.hpp>

namespace {

using frys::nanoseconds;

// A machine whose time a test moves: a counter, and the clock that the counter's line follows. Each Tag is another one.
template <class Tag>
struct machine {
  struct counter {
    static constexpr bool is_present = true;
    static std::uint64_t ticks() noexcept { return ordered_ticks(); }
    static std::uint64_t ordered_ticks() noexcept {
      pass(read_cost);
      return static_cast<std::uint64_t>(ticks_);
    }
    static bool is_usable() noexcept { return usable; }
  };
  struct clock {
    static nanoseconds now() noexcept {
      pass(read_cost);
      ++asked;
      return nanoseconds{static_cast<std::int64_t>(ns_)};
    }
  };
  using line = frys::counter_clock<counter, frys::policy::clock<clock>>;

  static void pass(double ns) noexcept {
    ns_ += ns * clock_rate;
    ticks_ += ns * ticks_per_ns;
  }
  static void reset(double per_ns) noexcept {
    ticks_ = 1e12, ns_ = 5e9, ticks_per_ns = per_ns, clock_rate = 1, read_cost = 5, usable = true, asked = 0;
  }
  // Until the line is calibrated, and a piece further.
  static void warm(line& l) noexcept {
    for (int i = 0; i < 1000 && !l.is_calibrated(); ++i) {
      (void)l.now();
      pass(1e6);
    }
    for (int i = 0; i < 100; ++i) {
      (void)l.now();
      pass(10e6);
    }
  }
  static double error(line& l) noexcept { return static_cast<double>(l.now().count()) - ns_; }

  static bool is_right(line& l, double within = 200) noexcept {
    const double e = error(l);
    return e < within && e > -within;
  }

  inline static double ticks_ = 0, ns_ = 0, ticks_per_ns = 1, clock_rate = 1, read_cost = 5;
  inline static bool usable = true;
  inline static int asked = 0;
};

struct absent {
  static constexpr bool is_present = false;
  static std::uint64_t ticks() noexcept { return 0; }
  static std::uint64_t ordered_ticks() noexcept { return 0; }
  static bool is_usable() noexcept { return false; }
};

}  // namespace

TEST_CASE("counter_clock: answers the clock while the counter is measured, and then the counter") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  CHECK_FALSE(l.is_calibrated());
  CHECK(m::error(l) <= 0);
  CHECK(m::error(l) >= -100);
  CHECK_FALSE(l.is_calibrated());
  m::pass(19e6);
  (void)l.now();
  CHECK_FALSE(l.is_calibrated());
  m::pass(2e6);
  (void)l.now();
  CHECK(l.is_calibrated());
  CHECK(l.is_hardware());
  const int asked = m::asked;
  for (int i = 0; i < 100; ++i) {
    m::pass(50e3);
    CHECK(m::is_right(l));
  }
  CHECK(m::asked == asked);  // five milliseconds, and the clock was not asked
  for (int i = 0; i < 1000; ++i) {
    m::pass(1e6);
    (void)l.now();
  }
  CHECK(m::asked - asked >= 3 * 59);  // a second
  CHECK(m::asked - asked <= 3 * 120);
}

TEST_CASE("counter_clock: stays within some ten nanoseconds of a steady clock, whatever the counter's rate") {
  struct tag;
  using m = machine<tag>;
  for (const double per_ns : {0.001, 0.01919, 0.0244, 0.0625, 1.0, 2.597, 4.1, 7.77}) {
    CAPTURE(per_ns);
    m::reset(per_ns);
    m::line l;
    m::warm(l);
    const double most = 60 + 3 / per_ns;  // ticks of a slow counter are long
    for (int i = 0; i < 2'000; ++i) {
      m::pass(1.7e6);
      const double e = m::error(l);
      REQUIRE(e < most);
      REQUIRE(e > -most);
    }
  }
}

TEST_CASE(
    "counter_clock: follows a clock that is slewed, within the change of its rate times 30 ms, and without a leap") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  m::warm(l);
  std::uint64_t seed = 7;
  for (const double rate : {1.0005, 0.9995, 1.0, 1.0001, 0.9999}) {
    m::clock_rate = rate;
    for (int i = 0; i < 4'000; ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const double step = static_cast<double>(seed >> 45);  // up to half a millisecond
      const auto before = static_cast<double>(l.now().count());
      m::pass(step);
      const auto after = static_cast<double>(l.now().count());
      REQUIRE(after >= before);
      REQUIRE(after - before <= (step + 100) * 1.004);  // no leap
      REQUIRE(after - before >= (step - 100) * 0.996);  // and it does not stand still
      const double e = m::error(l);
      REQUIRE(e < 0.001 * 0.03e9 + 200);
      REQUIRE(e > -0.001 * 0.03e9 - 200);
    }
    for (int i = 0; i < 20; ++i) {
      m::pass(100e6);
      (void)l.now();
    }
    CHECK(m::is_right(l));
  }
}

TEST_CASE("counter_clock: after a pause of any length it is where the clock is") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  m::warm(l);
  nanoseconds before = l.now();
  for (const double pause : {0.3e9, 1e9, 60e9, 86'400e9, 3e16}) {
    m::pass(pause);
    const nanoseconds t = l.now();
    CHECK(t >= before);
    CHECK(m::is_right(l));
    before = t;
  }
}

TEST_CASE("counter_clock: a counter that has stood, or run while the clock stood, leads nobody astray") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  m::warm(l);
  const nanoseconds before = l.now();
  m::ns_ += 10e9;  // the machine slept: the counter stood
  m::pass(0.3e9);
  CHECK(l.now() >= before);
  CHECK(m::is_right(l));
  m::ticks_ += 26e9;  // the clock stood
  const nanoseconds here = l.now();
  CHECK(here >= before);
  CHECK(m::is_right(l, 17e6));  // the piece was at its end at once
  for (int i = 0; i < 50; ++i) {
    m::pass(1e6);
    (void)l.now();
  }
  CHECK(m::is_right(l));
  m::ns_ += 0.1e9;  // a tenth of a second is missing within a piece: found at its end
  m::pass(0.27e9);
  CHECK(l.now() >= here);
  CHECK(m::is_right(l));
}

TEST_CASE("counter_clock: a counter that has another rate from now on is measured anew") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  m::warm(l);
  m::ticks_per_ns = 2.1;
  for (int i = 0; i < 50; ++i) {
    m::pass(100e6);
    (void)l.now();
  }
  CHECK(m::error(l) < 1'000);
  CHECK(m::error(l) > -1'000);
}

TEST_CASE("counter_clock: a counter that goes back is given up, and time goes on") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::line l;
  m::warm(l);
  nanoseconds before = l.now();
  m::ticks_ = 0;  // as if reset
  for (int i = 0; i < 1'000; ++i) {
    m::pass(1e6);
    const nanoseconds t = l.now();
    REQUIRE(t >= before);
    before = t;
  }
  CHECK_FALSE(l.is_hardware());
  CHECK(m::error(l) < 200);
}

TEST_CASE("counter_clock: without a usable counter it is the clock itself") {
  struct tag;
  using m = machine<tag>;
  m::reset(2.6);
  m::usable = false;
  m::line l;
  CHECK_FALSE(l.is_hardware());
  for (int i = 0; i < 100; ++i) {
    m::pass(1e6);
    const nanoseconds t = l.now();
    CHECK(static_cast<double>(t.count()) <= m::ns_);
    CHECK(static_cast<double>(t.count()) >= m::ns_ - 20);
  }
  CHECK_FALSE(l.is_calibrated());

  frys::counter_clock<absent, frys::policy::clock<m::clock>> none;
  CHECK_FALSE(none.is_hardware());
  CHECK(static_cast<double>(none.now().count()) == doctest::Approx(m::ns_));
  CHECK(static_cast<double>(none.now_ordered().count()) == doctest::Approx(m::ns_));
}

TEST_CASE("tsc_clock: a model of policy::clock on CLOCK_MONOTONIC's epoch that does not go back") {
  static_assert(frys::clock_model<frys::tsc_clock>);
  static_assert(frys::tick_counter<frys::cycle_counter>);
  // Whatever happens between the calls, it comes after the one clock and before the other, but for the error.
  nanoseconds before = frys::tsc_clock::now();
  for (int i = 0; i < 200'000; ++i) {
    const nanoseconds t = frys::tsc_clock::now();
    REQUIRE(t >= before);
    before = t;
  }
  while (frys::tsc_clock::is_hardware() && !frys::tsc_clock::is_calibrated()) (void)frys::tsc_clock::now();
  for (int i = 0; i < 200'000; ++i) {
    const nanoseconds t = frys::tsc_clock::now_ordered();
    REQUIRE(t >= before);
    before = t;
  }
  const std::uint64_t ticks = frys::tsc_clock::ticks();
  if (frys::cycle_counter::is_present) CHECK(frys::tsc_clock::ticks() > 0);
  CHECK(frys::tsc_clock::ticks() >= ticks);
}

TEST_CASE("tsc_clock: a time that another thread hands over is not later than now_ordered") {
  std::atomic<std::int64_t> handed{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop.load()) {
        const std::int64_t theirs = handed.load();
        const std::int64_t ours = frys::tsc_clock::now_ordered().count();
        if (ours < theirs) ++wrong;
        handed.store(ours);
      }
    });
  for (int i = 0; i < 50'000; ++i) {
    const std::int64_t theirs = handed.load();
    if (frys::tsc_clock::now_ordered().count() < theirs) ++wrong;
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("tsc_clock: may be waited by") {
  frys::parker<frys::policy::clock<frys::tsc_clock>> p;
  CHECK_FALSE(p.park_until(frys::deadline::after<frys::tsc_clock>(nanoseconds{1'000'000})));
  p.unpark();
  CHECK(p.park_until(frys::deadline::never()));
}
