#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <frys/core/parker.hpp>
#include <frys/sched/shared_timer_wheel.hpp>
#include <frys/sim/clock.hpp>

namespace {

using frys::nanoseconds;

constexpr nanoseconds at_ms(std::int64_t n) { return nanoseconds{n * 1'000'000}; }

struct counted : frys::shared_timer {
  int fired = 0, let_go = 0;
  counted()
      : frys::shared_timer([](frys::shared_timer& t) noexcept { ++static_cast<counted&>(t).fired; },
                           [](frys::shared_timer& t) noexcept { ++static_cast<counted&>(t).let_go; }) {}
};

}  // namespace

TEST_CASE("shared_timer_wheel: fires what was set, and not what was cancelled") {
  frys::shared_timer_wheel<> wheel;
  counted a, b;
  CHECK_FALSE(a.is_held());
  CHECK_FALSE(wheel.cancel(a));
  wheel.add(a, at_ms(5));
  wheel.add(b, frys::deadline{at_ms(5)});
  CHECK(a.is_held());
  CHECK_FALSE(wheel.empty());
  CHECK(wheel.cancel(b));
  CHECK_FALSE(wheel.cancel(b));
  CHECK(wheel.advance(at_ms(4)) == 0);
  CHECK(b.let_go == 1);
  CHECK_FALSE(b.is_held());
  CHECK(wheel.advance(at_ms(5)) == 1);
  CHECK(a.fired == 1);
  CHECK(a.let_go == 0);
  CHECK(b.fired == 0);
  CHECK_FALSE(wheel.cancel(a));
  wheel.add(a, at_ms(9));  // and again
  wheel.advance(at_ms(8));
  CHECK(wheel.cancel(a));  // out of the wheel
  wheel.advance(at_ms(20));
  CHECK(a.fired == 1);
  CHECK(a.let_go == 1);
  CHECK(wheel.empty());
}

TEST_CASE("shared_timer_wheel: the owner's own cancel lets go at once") {
  frys::shared_timer_wheel<> wheel;
  counted a;
  wheel.add(a, at_ms(5));
  CHECK(wheel.cancel_here(a));
  CHECK_FALSE(a.is_held());
  wheel.add(a, at_ms(6));
  wheel.advance(at_ms(1));
  CHECK(wheel.cancel_here(a));
  CHECK_FALSE(wheel.cancel_here(a));
  wheel.add(a, at_ms(7));
  CHECK(wheel.cancel(a));
  CHECK_FALSE(wheel.cancel_here(a));  // it is cancelled, and comes back by released
  wheel.advance(at_ms(10));
  CHECK(a.fired == 0);
  CHECK(a.let_go == 1);
}

TEST_CASE("shared_timer_wheel: wakes a sleeping owner for an earlier timer, once, and for no later one") {
  int woken = 0;
  frys::shared_timer_wheel<> wheel(frys::timer_wake{[](void* n) noexcept { ++*static_cast<int*>(n); }, &woken});
  counted a, b, c, d, e;
  wheel.add(a, at_ms(100));
  CHECK(woken == 0);  // the owner is awake
  CHECK(wheel.prepare_sleep().at == at_ms(100));
  wheel.add(b, at_ms(200));
  CHECK(woken == 0);
  wheel.add(c, at_ms(50));
  CHECK(woken == 1);
  wheel.add(d, at_ms(60));
  CHECK(woken == 1);
  wheel.add(e, at_ms(10));
  CHECK(woken == 2);
  CHECK(wheel.prepare_sleep().at == at_ms(10));
  CHECK(wheel.advance(at_ms(200)) == 5);
  CHECK(wheel.prepare_sleep().is_never());
  wheel.add(a, at_ms(1'000'000));
  CHECK(woken == 3);
  wheel.advance(at_ms(201));
  CHECK(wheel.cancel_here(a));
}

TEST_CASE("shared_timer_wheel: what it holds when it ends is released") {
  counted in_inbox, in_wheel, cancelled;
  frys::timer own([](frys::timer&) noexcept {});
  {
    frys::shared_timer_wheel<> wheel;
    wheel.add(in_wheel, at_ms(5));
    wheel.add(own, at_ms(5));
    wheel.add(cancelled, at_ms(5));
    wheel.advance(at_ms(1));
    wheel.cancel(cancelled);
    wheel.add(in_inbox, at_ms(5));
  }
  for (counted* t : {&in_inbox, &in_wheel, &cancelled}) {
    CHECK(t->let_go == 1);
    CHECK(t->fired == 0);
    CHECK_FALSE(t->is_held());
  }
  CHECK_FALSE(own.is_pending());
}

TEST_CASE("shared_timer_wheel: a timer may free itself where it ends, or add itself again") {
  static int ended;
  ended = 0;
  struct heap_timer : frys::shared_timer {
    heap_timer() : frys::shared_timer(&ends, &ends) {}
    static void ends(frys::shared_timer& t) noexcept {
      ++ended;
      delete static_cast<heap_timer*>(&t);
    }
  };
  frys::shared_timer_wheel<> wheel;
  wheel.add(*new heap_timer, at_ms(1));
  auto* const victim = new heap_timer;
  wheel.add(*victim, at_ms(1));
  CHECK(wheel.cancel(*victim));
  wheel.advance(at_ms(1));
  CHECK(ended == 2);
  struct again : frys::shared_timer {
    frys::shared_timer_wheel<>* wheel;
    int left = 3;
    explicit again(frys::shared_timer_wheel<>& w)
        : frys::shared_timer([](frys::shared_timer& t) noexcept {
            auto& self = static_cast<again&>(t);
            if (--self.left > 0) self.wheel->add(t, at_ms(10 - self.left));
          }),
          wheel(&w) {}
  } periodic(wheel);
  wheel.add(periodic, at_ms(2));
  for (int now = 2; now < 20; ++now) wheel.advance(at_ms(now));
  CHECK(periodic.left == 0);
}

TEST_CASE("shared_timer_wheel: holds its owner's plain and scoped timers too, and asks its clock") {
  struct tag;
  using clock = frys::sim::basic_clock<tag>;
  clock::reset();
  frys::shared_timer_wheel<frys::policy::clock<clock>, frys::policy::capacity<64>> wheel;
  static int rung;
  rung = 0;
  frys::timer plain([](frys::timer&) noexcept { ++rung; });
  wheel.add(plain, at_ms(5));
  frys::scoped_timer scoped(wheel, [] { ++rung; });
  scoped.set(at_ms(6));
  counted remote;
  wheel.add_after(remote, at_ms(7));
  clock::advance(at_ms(6));
  CHECK(wheel.advance() == 2);
  CHECK(rung == 2);
  clock::advance(at_ms(1));
  CHECK(wheel.advance() == 1);
  CHECK(remote.fired == 1);
  wheel.add(plain, at_ms(50));
  CHECK(wheel.cancel(plain));
}

TEST_CASE("shared_timer_wheel: many threads set and cancel, each timer ends once") {
  constexpr std::size_t threads = 3, each = 2'000;
  frys::parker<> parker;
  frys::shared_timer_wheel<> wheel(
      frys::timer_wake{[](void* p) noexcept { static_cast<frys::parker<>*>(p)->unpark(); }, &parker});
  struct owned : frys::shared_timer {
    std::atomic<int> fired{0}, let_go{0};
    owned()
        : frys::shared_timer([](frys::shared_timer& t) noexcept { ++static_cast<owned&>(t).fired; },
                             [](frys::shared_timer& t) noexcept { ++static_cast<owned&>(t).let_go; }) {}
  };
  std::vector<std::unique_ptr<owned[]>> timers;
  for (std::size_t i = 0; i < threads; ++i) timers.push_back(std::make_unique<owned[]>(each));
  std::atomic<int> running{static_cast<int>(threads)}, prevented{0};
  std::atomic<std::int64_t> now{0};  // the test's time: whoever sets a timer moves it on
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      std::uint64_t seed = i + 1;
      for (std::size_t k = 0; k < each; ++k) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const std::int64_t here = now.fetch_add(1);
        wheel.add(timers[i][k], at_ms(here + static_cast<std::int64_t>((seed >> 40) % 100)));
        const auto victim = static_cast<std::size_t>((seed >> 20) % (k + 1));
        if (seed >> 63 != 0 && wheel.cancel(timers[i][victim])) ++prevented;
      }
      --running;
      parker.unpark();
    });
  std::size_t due = 0;
  while (running.load() != 0) {
    due += wheel.advance(at_ms(now.load()));
    if (wheel.prepare_sleep().is_never() && running.load() != 0) parker.park();
  }
  for (std::thread& t : all) t.join();
  due += wheel.advance(at_ms(now.load() + 1'000));
  due += wheel.advance(at_ms(now.load() + 1'000));
  CHECK(wheel.empty());
  int fired = 0, let_go = 0;
  for (auto& part : timers)
    for (std::size_t k = 0; k < each; ++k) {
      CHECK(part[k].fired + part[k].let_go == 1);
      fired += part[k].fired;
      let_go += part[k].let_go;
    }
  CHECK(let_go == prevented.load());
  CHECK(static_cast<std::size_t>(fired + let_go) == threads * each);
  CHECK(due >= static_cast<std::size_t>(fired));
}
