#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <frys/sched/start_phases.hpp>

namespace {

using frys::nanoseconds;
using frys::phase_token;
using frys::phases_state;
using frys::start_phase;

struct phase_clock {
  static nanoseconds now() noexcept { return at; }
  inline static nanoseconds at{0};
};
using phases = frys::start_phases<frys::policy::clock<phase_clock>>;

enum class answer { at_once, fails, later };

constexpr frys::error no_port{frys::errc::address_in_use, frys::domain::user, "no port", 7};

struct probe : start_phase {
  probe(std::string_view called, std::vector<std::string>& into, answer s = answer::at_once, answer e = answer::at_once)
      : log(into), starts(s), stops(e) {
    name = called;
    start = [](start_phase& p, phase_token t) noexcept { static_cast<probe&>(p).act("+", t, &probe::starts); };
    stop = [](start_phase& p, phase_token t) noexcept { static_cast<probe&>(p).act("-", t, &probe::stops); };
  }
  void act(const char* sign, phase_token t, answer probe::*how) {
    log.push_back(sign + std::string(name));
    token = t;
    if (this->*how == answer::at_once) t.done();
    if (this->*how == answer::fails) t.fail(no_port);
  }
  std::vector<std::string>& log;
  answer starts, stops;
  std::optional<phase_token> token;
};

std::string joined(const std::vector<std::string>& log) {
  std::string out;
  for (const std::string& s : log) out += s + " ";
  return out;
}

}  // namespace

TEST_CASE("start_phases: each phase comes after what it needs, and they stop the other way round") {
  std::vector<std::string> log;
  probe a("log", log), b("store", log), c("net", log), d("ready", log);
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(d));
  REQUIRE(p.add(b, {&a}));
  REQUIRE(p.add(c, {&a, &b}));
  REQUIRE(p.after("ready", "net"));
  CHECK(p.state() == phases_state::idle);
  REQUIRE(p.start());
  CHECK(p.state() == phases_state::running);
  CHECK(joined(log) == "+log +store +net +ready ");
  CHECK(p.is_up(c));
  log.clear();
  p.stop();
  CHECK(p.state() == phases_state::stopped);
  CHECK(joined(log) == "-ready -net -store -log ");
  CHECK_FALSE(p.is_up(c));
  log.clear();
  REQUIRE(p.start());  // and again
  CHECK(p.state() == phases_state::running);
  CHECK(joined(log) == "+log +store +net +ready ");
}

TEST_CASE("start_phases: none, and phases that do nothing") {
  phases none;
  REQUIRE(none.start());
  CHECK(none.state() == phases_state::running);
  none.stop();
  CHECK(none.state() == phases_state::stopped);
  start_phase empty{"empty"}, other{"other"};
  phases p;
  REQUIRE(p.add(empty));
  REQUIRE(p.add(other, {&empty}));
  REQUIRE(p.start());
  CHECK(p.state() == phases_state::running);
  p.stop();
  CHECK(p.state() == phases_state::stopped);
}

TEST_CASE("start_phases: a phase that is up later holds back only what needs it") {
  std::vector<std::string> log;
  probe a("a", log, answer::later), b("b", log), c("c", log), d("d", log);
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(b, {&a}));
  REQUIRE(p.add(c));
  REQUIRE(p.add(d, {&b, &c}));
  REQUIRE(p.start());
  CHECK(p.state() == phases_state::starting);
  CHECK(joined(log) == "+a +c ");
  CHECK(a.token->done());
  CHECK(joined(log) == "+a +c +b +d ");
  CHECK(p.state() == phases_state::running);
  CHECK_FALSE(a.token->done());  // one answer counts
  CHECK_FALSE(a.token->fail(no_port));
  CHECK(p.state() == phases_state::running);
}

TEST_CASE("start_phases: phases that need each other in a circle are told by name, and none is started") {
  std::vector<std::string> log;
  probe a("a", log), b("b", log), c("c", log), d("d", log), e("e", log);
  phases p;
  REQUIRE(p.add(e));
  REQUIRE(p.add(a, {&e}));
  REQUIRE(p.add(b, {&a}));
  REQUIRE(p.add(c, {&b}));
  REQUIRE(p.add(d, {&c}));
  REQUIRE(p.after("a", "c"));
  const auto started = p.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error() == frys::errc::invalid_argument);
  CHECK(started.error().number == 3);
  CHECK(log.empty());
  CHECK(p.state() == phases_state::idle);
  REQUIRE(p.cycle().size() == 3);
  char text[64];
  CHECK(p.write_cycle(text) == "a > c > b > a");
  char small[6];
  CHECK(p.write_cycle(small) == "a > c ");
  CHECK(p.write_cycle({}).empty());

  start_phase self{"self"};
  phases q;
  REQUIRE(q.add(self));
  REQUIRE(q.after("self", "self"));
  CHECK_FALSE(q.start().has_value());
  CHECK(q.write_cycle(text) == "self > self");
}

TEST_CASE("start_phases: what cannot be added") {
  std::vector<std::string> log;
  probe a("a", log), again("a", log), b("b", log), stranger("s", log);
  phases p;
  REQUIRE(p.add(a));
  CHECK(p.add(again).error() == frys::errc::already_exists);
  CHECK(p.add(b, {&stranger}).error() == frys::errc::not_found);
  CHECK(p.after("a", "nobody").error() == frys::errc::not_found);
  CHECK(p.after("nobody", "a").error() == frys::errc::not_found);
  REQUIRE(p.start());
  CHECK(p.add(b).error() == frys::errc::busy);
  CHECK(p.after("a", "a").error() == frys::errc::busy);
  CHECK(p.start().error() == frys::errc::busy);
  CHECK(p.size() == 1);

  phases many;
  std::vector<std::string> names;
  for (int i = 0; i < 65; ++i) names.push_back("p" + std::to_string(i));
  std::vector<start_phase> all(65);
  for (std::size_t i = 0; i < 65; ++i) {
    all[i].name = names[i];
    const auto added = i == 0 ? many.add(all[i]) : many.add(all[i], {&all[i - 1]});
    CHECK(added.has_value() == (i < 64));
    if (!added) {
      CHECK(added.error() == frys::errc::full);
      CHECK(added.error().number == 64);
    }
  }
  REQUIRE(many.start());
  CHECK(many.state() == phases_state::running);
  CHECK(many.is_up(all[63]));
}

TEST_CASE("start_phases: one fails: what is up is stopped, and the first error is kept") {
  std::vector<std::string> log;
  probe a("a", log), b("b", log), c("c", log, answer::fails), d("d", log);
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(b, {&a}));
  REQUIRE(p.add(c, {&b}));
  REQUIRE(p.add(d, {&c}));
  const auto started = p.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error() == no_port);
  CHECK(started.error().number == 7);
  CHECK(joined(log) == "+a +b +c -b -a ");
  CHECK(p.state() == phases_state::stopped);
  CHECK(p.failure().phase == &c);
  // And it can be tried again.
  c.starts = answer::at_once;
  REQUIRE(p.start());
  CHECK(p.failure().phase == nullptr);
  CHECK(p.state() == phases_state::running);
}

TEST_CASE("start_phases: one fails while others are on their way: they are waited for, told, and stopped") {
  std::vector<std::string> log;
  probe a("a", log, answer::later), b("b", log, answer::later), c("c", log, answer::later), up("up", log);
  phases p;
  REQUIRE(p.add(up));
  REQUIRE(p.add(a, {&up}));
  REQUIRE(p.add(b, {&up}));
  REQUIRE(p.add(c, {&up}));
  REQUIRE(p.start());
  CHECK_FALSE(b.token->stop_wanted());
  CHECK(a.token->fail(no_port));
  CHECK(p.state() == phases_state::stopping);
  CHECK(b.token->stop_wanted());
  CHECK(joined(log) == "+up +a +b +c ");  // nothing is stopped under those that are on their way
  CHECK(b.token->done());
  CHECK(p.state() == phases_state::stopping);
  CHECK(c.token->fail({frys::errc::cancelled, frys::domain::user, "told to stop", 0}));
  CHECK(joined(log) == "+up +a +b +c -b -up ");
  CHECK(p.state() == phases_state::stopped);
  CHECK(p.failure().phase == &a);
  CHECK(p.failure().why == no_port);
}

TEST_CASE("start_phases: a phase that is not up in time is given up, and its late answer finds nobody") {
  phase_clock::at = nanoseconds{1'000};
  std::vector<std::string> log;
  probe a("a", log), slow("slow", log, answer::later), c("c", log);
  slow.start_within = nanoseconds{500};
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(slow, {&a}));
  REQUIRE(p.add(c, {&slow}));
  CHECK(p.next_deadline().is_never());
  REQUIRE(p.start());
  CHECK(p.next_deadline().at == nanoseconds{1'500});
  phase_clock::at = nanoseconds{1'499};
  p.advance();
  CHECK(p.state() == phases_state::starting);
  phase_clock::at = nanoseconds{1'500};
  p.advance();
  CHECK(p.state() == phases_state::stopped);
  CHECK(joined(log) == "+a +slow -a ");
  CHECK(p.failure().phase == &slow);
  CHECK(p.failure().why == frys::errc::timed_out);
  CHECK_FALSE(slow.token->done());
  CHECK(p.next_deadline().is_never());
  // The old token finds nobody in the next round either.
  const phase_token old = *slow.token;
  REQUIRE(p.start());
  CHECK_FALSE(old.done());
  CHECK(slow.token->done());
  CHECK(p.state() == phases_state::running);
}

TEST_CASE("start_phases: a stop that fails or hangs does not keep the others from stopping") {
  phase_clock::at = nanoseconds{0};
  std::vector<std::string> log;
  probe a("a", log), hangs("hangs", log, answer::at_once, answer::later), c("c", log, answer::at_once, answer::fails),
      d("d", log, answer::at_once, answer::later);
  hangs.stop_within = nanoseconds{100};
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(hangs, {&a}));
  REQUIRE(p.add(c, {&hangs}));
  REQUIRE(p.add(d, {&c}));
  REQUIRE(p.start());
  log.clear();
  p.stop();
  CHECK(joined(log) == "-d ");
  CHECK(d.token->done());
  CHECK(joined(log) == "-d -c -hangs ");
  CHECK(p.next_deadline().at == nanoseconds{100});
  phase_clock::at = nanoseconds{100};
  p.advance();
  CHECK(joined(log) == "-d -c -hangs -a ");
  CHECK(p.state() == phases_state::stopped);
  CHECK(p.failure().phase == &c);  // the first one
  p.stop();                        // has stopped already
  CHECK(p.state() == phases_state::stopped);
}

TEST_CASE("start_phases: stop while starting, from outside and from a phase itself") {
  std::vector<std::string> log;
  probe a("a", log), b("b", log, answer::later), c("c", log);
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.add(b, {&a}));
  REQUIRE(p.add(c, {&b}));
  REQUIRE(p.start());
  p.stop();
  CHECK(p.state() == phases_state::stopping);
  CHECK(b.token->stop_wanted());
  CHECK(b.token->done());
  CHECK(joined(log) == "+a +b -b -a ");
  CHECK(p.state() == phases_state::stopped);
  CHECK(p.failure().phase == nullptr);

  struct quits : start_phase {
    explicit quits(phases& of) : all(of) {
      name = "quits";
      start = [](start_phase& s, phase_token t) noexcept {
        static_cast<quits&>(s).all.stop();
        t.done();
      };
    }
    phases& all;
  };
  log.clear();
  phases q;
  quits last(q);
  REQUIRE(q.add(a));
  REQUIRE(q.add(last, {&a}));
  REQUIRE(q.add(c, {&last}));
  REQUIRE(q.start());
  CHECK(q.state() == phases_state::stopped);
  CHECK(joined(log) == "+a -a ");
}

TEST_CASE("start_phases: a phase without a deadline may take for ever") {
  phase_clock::at = nanoseconds{0};
  std::vector<std::string> log;
  probe a("a", log, answer::later);
  a.start_within = (nanoseconds::max)();
  phases p;
  REQUIRE(p.add(a));
  REQUIRE(p.start());
  CHECK(p.next_deadline().is_never());
  phase_clock::at = (nanoseconds::max)();
  p.advance();
  CHECK(p.state() == phases_state::starting);
  CHECK(a.token->done());
  CHECK(p.state() == phases_state::running);
}

TEST_CASE("start_phases: whoever wants to know is told when all are up and when all has stopped") {
  std::vector<std::string> log;
  probe a("a", log, answer::later);
  std::vector<phases_state> told;
  phases p;
  REQUIRE(p.add(a));
  p.on_settled([](void* to, phases_state s) noexcept { static_cast<std::vector<phases_state>*>(to)->push_back(s); },
               &told);
  REQUIRE(p.start());
  CHECK(told.empty());
  a.token->done();
  p.stop();
  CHECK(told == std::vector<phases_state>{phases_state::running, phases_state::stopped});
}

namespace {
struct phase_dice {
  std::uint64_t x;
  unsigned operator()(unsigned n) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>((x >> 33) % n);
  }
};
}  // namespace

TEST_CASE(
    "start_phases: random graphs, answers, failures and deadlines: the order holds, and it always comes to rest") {
  phase_dice die{9};
  for (int round = 0; round < 500; ++round) {
    phase_clock::at = nanoseconds{0};
    std::vector<std::string> log;
    const unsigned n = 1 + die(20);
    std::vector<std::string> names;
    for (unsigned i = 0; i < n; ++i) names.push_back("p" + std::to_string(i));
    std::vector<probe> all;
    all.reserve(n);
    const auto any = [&] {
      const unsigned k = die(10);
      return k == 0 ? answer::fails : k < 5 ? answer::later : answer::at_once;
    };
    for (unsigned i = 0; i < n; ++i) {
      all.emplace_back(names[i], log, any(), any());
      all.back().start_within = nanoseconds{1 + die(1000)};
      all.back().stop_within = nanoseconds{1 + die(1000)};
    }
    phases p;
    for (probe& one : all) REQUIRE(p.add(one));
    std::vector<unsigned> shuffled(n);
    for (unsigned i = 0; i < n; ++i) shuffled[i] = i;
    for (unsigned i = n; i-- > 1;) std::swap(shuffled[i], shuffled[die(i + 1)]);
    std::vector<std::pair<unsigned, unsigned>> edges;  // first needs second
    for (unsigned i = 1; i < n; ++i)
      for (unsigned k = die(3); k-- > 0;) {
        edges.emplace_back(shuffled[i], shuffled[die(i)]);
        REQUIRE(p.after(names[edges.back().first], names[edges.back().second]));
      }
    (void)p.start();
    const auto place = [&](char sign, unsigned i) {
      return std::find(log.begin(), log.end(), sign + names[i]) - log.begin();
    };
    const auto size = [&] { return static_cast<std::ptrdiff_t>(log.size()); };
    for (int steps = 0; p.state() != phases_state::stopped; ++steps) {
      REQUIRE(steps < 1000);
      if (p.state() == phases_state::running) {
        p.stop();
        continue;
      }
      if (die(3) == 0) {
        const frys::deadline next = p.next_deadline();
        REQUIRE_FALSE(next.is_never());  // it waits for something that ends
        phase_clock::at = (std::max)(phase_clock::at, next.at);
        p.advance();
      } else {
        probe& one = all[die(n)];
        if (one.token) (void)(die(8) == 0 ? one.token->fail(no_port) : one.token->done());
      }
    }
    for (unsigned i = 0; i < n; ++i) {
      CHECK(std::count(log.begin(), log.end(), "+" + names[i]) <= 1);
      CHECK(std::count(log.begin(), log.end(), "-" + names[i]) <= 1);
      CHECK((place('-', i) == size() || place('+', i) < place('-', i)));
      CHECK_FALSE(p.is_up(all[i]));
    }
    for (const auto& [who, needs] : edges) {
      if (place('+', who) < size()) CHECK(place('+', needs) < place('+', who));
      // What was up of the two stops first that needs the other.
      if (place('-', who) < size()) CHECK(place('-', who) < place('-', needs));
    }
  }
}
