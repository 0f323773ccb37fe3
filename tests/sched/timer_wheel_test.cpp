#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include <frys/sched/timer_wheel.hpp>
#include <frys/sim/clock.hpp>

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

TEST_CASE("timer_wheel: timers of one tick fire in the order they were added, however far away they were then") {
  frys::timer_wheel<frys::policy::capacity<64>> wheel;
  std::vector<int> log;
  std::vector<std::unique_ptr<probe>> timers;
  const auto set = [&](int id) {
    timers.push_back(std::make_unique<probe>(log, id));
    wheel.add(*timers.back(), ms(300'000));
  };
  set(0);  // three levels out
  wheel.advance(ms(290'000));
  set(1);  // two
  wheel.advance(ms(299'950));
  set(2);  // the first level, or nearly
  wheel.advance(ms(299'999));
  set(3);
  CHECK(log.empty());
  CHECK(wheel.advance(ms(300'000)) == 4);
  CHECK(log == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("timer_wheel: a distant timer is as exact as one that is due soon") {
  for (const std::int64_t tick : {std::int64_t{1}, std::int64_t{3}, std::int64_t{1'000'000}, std::int64_t{7'777'777}})
    for (const std::int64_t at : {std::int64_t{1}, std::int64_t{511}, std::int64_t{512}, std::int64_t{1'000'000'007},
                                  std::int64_t{86'400} * 1'000'000'000, std::int64_t{1} << 61,
                                  (std::numeric_limits<std::int64_t>::max)() / 2}) {
      frys::timer_wheel<> wheel(nanoseconds{at / 3}, nanoseconds{tick});
      std::vector<int> log;
      probe p(log, 1);
      wheel.add(p, nanoseconds{at});
      const std::int64_t due = at / tick * tick + (at % tick == 0 ? 0 : tick);
      CHECK(wheel.advance(nanoseconds{due - 1}) == 0);
      CHECK(wheel.advance(nanoseconds{due}) == 1);
    }
}

TEST_CASE("timer_wheel: a loop that sleeps until next_deadline wakes once per level, and is never late") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe p(log, 1);
  const nanoseconds hour = ms(3'600'000);
  wheel.add(p, hour);
  int wakes = 0;
  nanoseconds now{0};
  while (log.empty()) {
    REQUIRE(wheel.next_deadline().at > now);
    now = wheel.next_deadline().at;
    wheel.advance(now);
    ++wakes;
  }
  CHECK(now == hour);
  CHECK(wakes <= 4);
}

TEST_CASE("timer_wheel: the last timer that leaves a slot leaves no wake-up behind") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe a(log, 1), b(log, 2), c(log, 3);
  for (const std::int64_t at : {5, 5'000, 5'000'000}) {
    wheel.add(a, ms(at));
    wheel.add(b, ms(at));
    wheel.add(c, ms(at * 2));
    CHECK(wheel.cancel(a));
    CHECK(wheel.next_deadline().at <= ms(at));
    CHECK(wheel.cancel(b));
    CHECK(wheel.next_deadline().at > ms(at));
    CHECK(wheel.cancel(c));
    CHECK(wheel.next_deadline().is_never());
  }
}

TEST_CASE("timer_wheel: time does not go back") {
  frys::timer_wheel<> wheel;
  std::vector<int> log;
  probe p(log, 1);
  wheel.advance(ms(100));
  wheel.add(p, ms(90));
  CHECK(wheel.advance(ms(50)) == 1);  // it is a hundred
  wheel.add(p, ms(120));
  CHECK(wheel.advance(ms(50)) == 0);
  CHECK(wheel.next_deadline().at == ms(120));
  CHECK(wheel.cancel(p));
}

TEST_CASE("timer_wheel: when it dies its timers are in no wheel, and may be set in another") {
  std::vector<int> log;
  probe soon(log, 1), distant(log, 2), due(log, 3);
  {
    frys::timer_wheel<> wheel;
    wheel.add(soon, ms(5));
    wheel.add(distant, ms(500'000));
    wheel.add(due, ms(0));
  }
  CHECK_FALSE(soon.is_pending());
  CHECK_FALSE(distant.is_pending());
  CHECK_FALSE(due.is_pending());
  frys::timer_wheel<> other;
  other.add(soon, ms(5));
  CHECK(other.advance(ms(5)) == 1);
}

TEST_CASE("timer_wheel: asks its clock where no time is given") {
  struct tag;
  using clock = frys::sim::basic_clock<tag>;
  clock::reset();
  clock::advance(ms(1'000'000));
  frys::timer_wheel<frys::policy::clock<clock>> wheel;
  std::vector<int> log;
  probe p(log, 1), q(log, 2);
  wheel.add_after(p, ms(10));
  wheel.add_after(q, (nanoseconds::max)());
  CHECK(wheel.advance() == 0);
  clock::advance(ms(9));
  CHECK(wheel.advance() == 0);
  clock::advance(ms(1));
  CHECK(wheel.advance() == 1);
  CHECK(wheel.cancel(q));
}

TEST_CASE("timer_wheel: a million timers wait in memory of their owner") {
  constexpr std::size_t many = 1'000'000;
  static_assert(sizeof(frys::timer) <= 4 * sizeof(std::uint64_t));
  struct counting : frys::timer {
    std::size_t* fired = nullptr;
  };
  std::size_t fired = 0;
  std::vector<counting> timers(many);
  auto wheel = std::make_unique<frys::timer_wheel<>>();
  std::uint64_t seed = 1;
  for (counting& t : timers) {
    t.fired = &fired;
    t.fire = [](frys::timer& self) noexcept { ++*static_cast<counting&>(self).fired; };
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    wheel->add(t, ms(static_cast<std::int64_t>((seed >> 33) % 600'000)));
  }
  CHECK(wheel->size() == many);
  for (std::size_t i = 0; i < many; i += 2) wheel->cancel(timers[i]);
  CHECK(wheel->size() == many / 2);
  CHECK(wheel->advance(ms(600'000)) == many / 2);
  CHECK(fired == many / 2);
}

namespace {

// The wheel against a map that sorts by tick and then by the order of adding.
template <std::size_t Slots>
void compared_with_a_map(std::uint64_t seed, std::int64_t tick, int steps) {
  const auto random = [&seed](std::uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
  };
  const auto within = [&](unsigned most_bits) {
    return static_cast<std::int64_t>(random(std::uint64_t{1} << random(most_bits + 1)));
  };
  std::int64_t now = within(50);
  frys::timer_wheel<frys::policy::capacity<Slots>> wheel(nanoseconds{now}, nanoseconds{tick});
  const auto tick_of = [tick](std::int64_t at) { return at <= 0 ? 0 : at / tick + (at % tick == 0 ? 0 : 1); };
  std::multimap<std::int64_t, int> model;
  std::vector<std::multimap<std::int64_t, int>::iterator> where;
  std::vector<int> log;
  std::vector<std::unique_ptr<probe>> timers;
  for (int id = 0; id < 64; ++id) timers.push_back(std::make_unique<probe>(log, id));
  where.assign(timers.size(), model.end());
  for (int step = 0; step < steps; ++step) {
    const std::size_t i = random(timers.size());
    const std::uint64_t what = random(8);
    if (what < 4) {
      REQUIRE(wheel.cancel(*timers[i]) == (where[i] != model.end()));
      if (where[i] != model.end()) model.erase(where[i]);
      where[i] = model.end();
      if (what < 3) {
        const std::int64_t at = now + within(45) - (random(8) == 0 ? 10 * tick : 0);
        // One that is due already waits behind those that are, whatever its tick.
        where[i] = model.emplace((std::max)(tick_of(at), now <= 0 ? 0 : now / tick), static_cast<int>(i));
        wheel.add(*timers[i], nanoseconds{at});
      }
    } else {
      const frys::deadline next = wheel.next_deadline();
      if (model.empty())
        REQUIRE(next.is_never());
      else
        REQUIRE(next.at.count() <= model.begin()->first * tick);
      if (random(3) == 0 && !next.is_never()) {
        if (next.at.count() > now) now = next.at.count();
      } else {
        now += within(random(4) == 0 ? 46 : 24);
      }
      log.clear();
      const std::size_t fired = wheel.advance(nanoseconds{now});
      std::vector<int> due;
      while (!model.empty() && model.begin()->first <= now / tick) {
        where[static_cast<std::size_t>(model.begin()->second)] = model.end();
        due.push_back(model.begin()->second);
        model.erase(model.begin());
      }
      REQUIRE(log == due);
      REQUIRE(fired == due.size());
    }
    REQUIRE(wheel.size() == model.size());
  }
  for (auto& t : timers) wheel.cancel(*t);
  REQUIRE(wheel.empty());
  REQUIRE(wheel.next_deadline().is_never());
}

}  // namespace

TEST_CASE("timer_wheel: agrees with a sorted map over random histories, in order and to the tick") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed ", seed);
    compared_with_a_map<64>(seed * 0x9E3779B97F4A7C15u, 1, 2'000);
    compared_with_a_map<64>(seed * 0xD1B54A32D192ED03u, 1'000, 2'000);
    compared_with_a_map<512>(seed * 0x2545F4914F6CDD1Du, 1'000'000, 2'000);
    compared_with_a_map<8192>(seed * 0xDA942042E4DD58B5u, 77, 1'000);
  }
}

TEST_CASE("scoped_timer: calls its callable, and withdraws itself at its end") {
  frys::timer_wheel<> wheel;
  int fired = 0;
  {
    frys::scoped_timer t(wheel, [&] { ++fired; });
    t.set(ms(10));
    CHECK(t.is_pending());
    t.set(ms(20));  // and not at ten
    CHECK(wheel.size() == 1);
    wheel.advance(ms(15));
    CHECK(fired == 0);
    wheel.advance(ms(20));
    CHECK(fired == 1);
    CHECK_FALSE(t.cancel());
    t.set(frys::deadline{ms(30)});
  }
  CHECK(wheel.empty());
  wheel.advance(ms(40));
  CHECK(fired == 1);
}

TEST_CASE("scoped_timer: the wheel may die first") {
  auto wheel = std::make_unique<frys::timer_wheel<>>();
  frys::scoped_timer soon(*wheel, [] {});
  frys::scoped_timer distant(*wheel, [] {});
  soon.set(ms(10));
  distant.set(ms(1'000'000));
  wheel.reset();
  CHECK_FALSE(soon.is_pending());
  CHECK_FALSE(distant.cancel());
}

TEST_CASE("scoped_timer: a callable may destroy its own timer, and what it has captured lives on until it returns") {
  frys::timer_wheel<> wheel;
  const auto payload = std::make_shared<int>(7);
  struct body {
    std::shared_ptr<int> held;
    frys::scoped_timer<frys::timer_wheel<>, body>** owner;
    int* seen;
    void operator()() {
      delete *owner;
      *owner = nullptr;
      *seen = *held;
    }
  };
  frys::scoped_timer<frys::timer_wheel<>, body>* t = nullptr;
  int seen = 0;
  t = new frys::scoped_timer<frys::timer_wheel<>, body>(wheel, body{payload, &t, &seen});
  t->set(ms(1));
  CHECK(payload.use_count() == 2);
  CHECK(wheel.advance(ms(1)) == 1);
  CHECK(seen == 7);
  CHECK(t == nullptr);
  CHECK(payload.use_count() == 1);
}

TEST_CASE("scoped_timer: a callable may set its timer again and destroy the others") {
  frys::timer_wheel<> wheel;
  struct periodic {
    frys::timer_wheel<>* wheel;
    int* fired;
    std::unique_ptr<frys::scoped_timer<frys::timer_wheel<>, void (*)()>>* other;
    frys::scoped_timer<frys::timer_wheel<>, periodic>** self;
    nanoseconds at;
    void operator()() {
      other->reset();
      if (++*fired < 3) (*self)->set(at += ms(10));
    }
  };
  int fired = 0;
  auto other = std::make_unique<frys::scoped_timer<frys::timer_wheel<>, void (*)()>>(
      wheel, +[] { REQUIRE(false); });
  frys::scoped_timer<frys::timer_wheel<>, periodic>* self = nullptr;
  frys::scoped_timer<frys::timer_wheel<>, periodic> t(wheel, {&wheel, &fired, &other, &self, ms(10)});
  self = &t;
  t.set(ms(10));
  other->set(ms(10));
  for (int now = 1; now < 100; ++now) wheel.advance(ms(now));
  CHECK(fired == 3);
  CHECK(wheel.empty());
}
