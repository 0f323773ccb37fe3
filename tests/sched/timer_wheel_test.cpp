#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <frys/sched/timer_wheel.hpp>

namespace {

using frys::nanoseconds;

constexpr nanoseconds ms(std::int64_t n) { return nanoseconds{n * 1'000'000}; }

struct probe : frys::timer {
  std::vector<int>* log = nullptr;
  int id = 0;
  probe() : frys::timer(&rings) {}
  probe(std::vector<int>& l, int i) : frys::timer(&rings), log(&l), id(i) {}
  static void rings(frys::timer& t) noexcept {
    auto& p = static_cast<probe&>(t);
    p.log->push_back(p.id);
  }
};

}  // namespace

TEST_CASE("timer_wheel: a timer fires once, not early, at its tick") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe p(log, 1);
  wheel.add(p, ms(10));
  CHECK(p.is_pending());
  CHECK(wheel.size() == 1);
  CHECK(wheel.next_deadline().at == ms(10));
  CHECK(wheel.advance(ms(9)) == 0);
  CHECK(log.empty());
  CHECK(wheel.advance(ms(10)) == 1);
  CHECK(log == std::vector<int>{1});
  CHECK_FALSE(p.is_pending());
  CHECK(wheel.empty());
  CHECK(wheel.next_deadline().is_never());
  CHECK(wheel.advance(ms(10'000)) == 0);
}

TEST_CASE("timer_wheel: between two ticks it rounds up") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe p(log, 1);
  wheel.add(p, nanoseconds{1'000'001});
  CHECK(wheel.advance(nanoseconds{1'999'999}) == 0);
  CHECK(wheel.advance(ms(2)) == 1);
}

TEST_CASE("timer_wheel: what is due already fires in the next advance, also one from the past") {
  frys::timer_wheel<> wheel(ms(100));
  std::vector<int> log;
  probe a(log, 1), b(log, 2);
  wheel.add(a, ms(100));
  wheel.add(b, ms(-5));
  CHECK(wheel.next_deadline().at <= ms(100));
  CHECK(wheel.advance(ms(100)) == 2);
}

TEST_CASE("timer_wheel: a cancelled timer does not fire and can be added again") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe a(log, 1), b(log, 2), far(log, 3);
  wheel.add(a, ms(5));
  wheel.add(b, ms(5));
  wheel.add(far, ms(100'000));
  CHECK(wheel.cancel(a));
  CHECK_FALSE(wheel.cancel(a));
  CHECK(wheel.cancel(far));
  CHECK(wheel.size() == 1);
  wheel.add(a, ms(7));
  CHECK(wheel.advance(ms(20)) == 2);
  CHECK(log == std::vector<int>{2, 1});
}

TEST_CASE("timer_wheel: fires in the order of time across turns and the overflow list") {
  frys::timer_wheel<frys::policy::capacity<64>> wheel;
  std::vector<int> log;
  std::vector<std::unique_ptr<probe>> timers;
  for (int at : {5000, 63, 64, 65, 1, 640, 128, 127, 4999}) {
    timers.push_back(std::make_unique<probe>(log, at));
    wheel.add(*timers.back(), ms(at));
  }
  CHECK(wheel.advance(ms(6000)) == 9);  // one long jump
  CHECK(log == std::vector<int>{1, 63, 64, 65, 127, 128, 640, 4999, 5000});
}

TEST_CASE("timer_wheel: a callback may add itself again, cancel others and die") {
  frys::timer_wheel<> wheel;
  struct again : frys::timer {
    frys::timer_wheel<>* wheel = nullptr;
    int left = 3;
    nanoseconds at = ms(1);
  } a;
  a.wheel = &wheel;
  a.fire = [](frys::timer& t) noexcept {
    auto& self = static_cast<again&>(t);
    if (--self.left > 0) self.wheel->add(t, self.at);  // due already: waits for the next advance
  };
  wheel.add(a, ms(1));
  CHECK(wheel.advance(ms(1)) == 1);
  CHECK(wheel.advance(ms(1)) == 1);
  CHECK(wheel.advance(ms(1)) == 1);
  CHECK(wheel.empty());

  std::vector<int> log;
  struct killer : frys::timer {
    frys::timer_wheel<>* wheel = nullptr;
    frys::timer* victim = nullptr;
  };
  auto k = std::make_unique<killer>();
  probe v(log, 9);
  k->wheel = &wheel;
  k->victim = &v;
  k->fire = [](frys::timer& t) noexcept {
    auto* self = static_cast<killer*>(&t);
    CHECK(self->wheel->cancel(*self->victim));
    delete self;
  };
  wheel.add(*k.release(), ms(5));
  wheel.add(v, ms(5));
  CHECK(wheel.advance(ms(5)) == 1);
  CHECK(log.empty());
  CHECK(wheel.empty());
}

TEST_CASE("timer_wheel: never is a time like any other") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe p(log, 1);
  wheel.add(p, frys::deadline::never());
  CHECK(wheel.advance(ms(86'400'000)) == 0);
  CHECK(wheel.next_deadline().at > ms(86'400'000));
  CHECK(wheel.cancel(p));
}

TEST_CASE("timer_wheel: agrees with a sorted map over a random history") {
  frys::timer_wheel<frys::policy::capacity<64>> wheel;
  std::multimap<std::int64_t, int> model;
  std::vector<int> log;
  std::vector<std::unique_ptr<probe>> timers;
  std::uint64_t seed = 0x9E3779B97F4A7C15u;
  const auto random = [&seed](std::uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
  };
  std::int64_t now = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = random(10);
    if (what < 5) {
      const int id = static_cast<int>(timers.size());
      const std::int64_t at = now + static_cast<std::int64_t>(random(random(4) == 0 ? 1000 : 60));
      timers.push_back(std::make_unique<probe>(log, id));
      wheel.add(*timers.back(), ms(at));
      model.emplace(at, id);
    } else if (what < 7 && !timers.empty()) {
      const int id = static_cast<int>(random(timers.size()));
      const bool pending = timers[static_cast<std::size_t>(id)]->is_pending();
      CHECK(wheel.cancel(*timers[static_cast<std::size_t>(id)]) == pending);
      for (auto it = model.begin(); it != model.end(); ++it)
        if (it->second == id) {
          model.erase(it);
          break;
        }
    } else {
      if (!model.empty()) CHECK(wheel.next_deadline().at <= ms((std::max)(model.begin()->first, now)));
      now += static_cast<std::int64_t>(random(random(20) == 0 ? 500 : 10));
      log.clear();
      wheel.advance(ms(now));
      std::vector<int> due;
      while (!model.empty() && model.begin()->first <= now) {
        due.push_back(model.begin()->second);
        model.erase(model.begin());
      }
      REQUIRE(log.size() == due.size());
      std::sort(log.begin(), log.end());
      std::sort(due.begin(), due.end());
      REQUIRE(log == due);
    }
    REQUIRE(wheel.size() == model.size());
  }
  for (auto& t : timers) wheel.cancel(*t);
}
