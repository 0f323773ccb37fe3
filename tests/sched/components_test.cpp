#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <frys/config.hpp>
#include <frys/sched/components.hpp>

namespace {

using frys::after;
using frys::component_list;
using frys::components;
using frys::nanoseconds;

std::vector<std::string> calls;
std::string taken() {
  std::string out;
  for (const std::string& s : calls) out += s + " ";
  calls.clear();
  return out;
}

struct settings {
  int level = 0;
};
struct secrets {};

struct part_log {
  void start() { calls.push_back("+log"); }
  void stop() { calls.push_back("-log"); }
  void config(const settings& s) { calls.push_back("log=" + std::to_string(s.level)); }
  static constexpr std::string_view name = "log";
};
struct part_store {
  using after = frys::after<part_log>;
  frys::result<void> start() {
    calls.push_back("+store");
    if (broken) return frys::error{frys::errc::io_failed, frys::domain::user, "no disk", 5};
    return {};
  }
  void tick(nanoseconds now) { calls.push_back("store@" + std::to_string(now.count())); }
  void stop() { calls.push_back("-store"); }
  frys::result<void> config(const settings& s) {
    if (s.level < 0)
      return frys::error{frys::errc::invalid_argument, frys::domain::user, "a level is not negative", s.level};
    calls.push_back("store=" + std::to_string(s.level));
    return {};
  }
  bool broken = false;
};
struct part_net {
  using after = frys::after<part_store, part_log>;
  template <class All>
  void start(All& all) {
    calls.push_back(all.template get<part_store>().broken ? "+net?" : "+net");
  }
  void tick() { calls.push_back("net"); }
  void frame_end(int n) { calls.push_back("end" + std::to_string(n)); }
  void config(const secrets&) { calls.push_back("net=secret"); }
};
struct part_idle {};  // wants nothing

using all_parts = components<part_net, part_idle, part_store, part_log>;

}  // namespace

TEST_CASE("components: in the order of what they come after, else as written") {
  static_assert(std::is_same_v<all_parts::in_order, component_list<part_idle, part_log, part_store, part_net>>);
  static_assert(std::is_same_v<components<part_idle, part_log>::in_order, component_list<part_idle, part_log>>);
  static_assert(std::is_same_v<components<>::in_order, component_list<>>);
  all_parts all;
  calls.clear();
  REQUIRE(all.start());
  CHECK(taken() == "+log +store +net ");
  all.tick(nanoseconds{7});
  CHECK(taken() == "store@7 net ");
  all.stop();
  CHECK(taken() == "-store -log ");
  all.stop();  // nothing is started any more
  CHECK(taken().empty());
  REQUIRE(all.start());
  CHECK(taken() == "+log +store +net ");
}

TEST_CASE("components: who is called is known to the compiler, and whoever wants nothing costs nothing") {
  static_assert(
      std::is_same_v<all_parts::callees<frys::hooks::tick, nanoseconds>, component_list<part_store, part_net>>);
  static_assert(std::is_same_v<all_parts::callees<frys::hooks::stop>, component_list<part_log, part_store>>);
  static_assert(std::is_same_v<all_parts::callees<frys::hooks::start, all_parts&>,
                               component_list<part_log, part_store, part_net>>);
  static_assert(std::is_same_v<all_parts::callees<frys::hooks::config, const secrets&>, component_list<part_net>>);
  static_assert(components<part_idle>::callees<frys::hooks::tick, nanoseconds>::size == 0);
  struct other_idle {};
  static_assert(sizeof(components<part_idle, other_idle>) == sizeof(std::size_t));  // the counter
  components<> none;
  REQUIRE(none.start());
  none.tick(nanoseconds{1});
  none.stop();
}

TEST_CASE("components: one fails: those before it are stopped, the last one first") {
  all_parts all;
  all.get<part_store>().broken = true;
  calls.clear();
  const auto started = all.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error() == frys::errc::io_failed);
  CHECK(started.error().number == 5);
  CHECK(taken() == "+log +store -log ");
  all.get<part_store>().broken = false;
  CHECK(all.start().has_value());
}

TEST_CASE("components: configurations go to those that take them, until one refuses") {
  all_parts all;
  calls.clear();
  REQUIRE(all.config(settings{3}));
  CHECK(taken() == "log=3 store=3 ");
  REQUIRE(all.config(secrets{}));
  CHECK(taken() == "net=secret ");
  const auto refused = all.config(settings{-1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().number == -1);
  CHECK(taken() == "log=-1 ");
}

TEST_CASE("components: hooks of the program's own, with arguments") {
  all_parts all;
  calls.clear();
  const auto frame_end = [](auto& c, int n) requires requires { c.frame_end(n); }
  { c.frame_end(n); };
  all.call(frame_end, 4);
  CHECK(taken() == "end4 ");
  static_assert(all_parts::callees<decltype(frame_end), int>::size == 1);
  int ticking = 0;
  all.call([&](part_store&) { ++ticking; });  // a plain callable is for the types it takes
  CHECK(ticking == 1);
}

namespace {
struct counted {
  explicit counted(int n) : value(n) {}
  counted(counted&&) = default;
  int value;
};
struct fixed_place {
  fixed_place() = default;
  fixed_place(const fixed_place&) = delete;
  int value = 2;
};
struct overloaded {
  void tick(nanoseconds) { ++ticks; }
  void tick(int) {}
  int ticks = 0;
};
struct sealed final {
  void tick() { ++ticks; }
  int ticks = 0;
};
}  // namespace

TEST_CASE("components: made from values, or in their place") {
  components<counted, part_idle> made(counted(5), part_idle{});
  CHECK(made.get<counted>().value == 5);
  components<fixed_place> placed;
  CHECK(placed.get<fixed_place>().value == 2);
  static_assert(!std::is_default_constructible_v<components<counted>>);
}

TEST_CASE("components: overloads and final classes are called too") {
  components<overloaded, sealed> all;
  all.tick(nanoseconds{1});
  all.tick(nanoseconds{2});
  CHECK(all.get<overloaded>().ticks == 2);
  CHECK(all.get<sealed>().ticks == 2);
}

#if FRYS_EXCEPTIONS
namespace {
struct thrower {
  using after = frys::after<part_log>;
  void start() { throw 7; }
};
}  // namespace

TEST_CASE("components: one throws: those before it are stopped, and it comes out of start") {
  components<thrower, part_log> all;
  calls.clear();
  CHECK_THROWS_AS((void)all.start(), int);
  CHECK(taken() == "+log -log ");
}
#endif

namespace {
struct part_peer {
  using after = frys::after<part_log>;
  static constexpr std::string_view name = "peer";
  static constexpr nanoseconds start_within{500};
  void start(frys::phase_token up) { waiting = up; }
  void stop(frys::phase_token down) {
    calls.push_back("-peer");
    down.done();
  }
  void tick() { calls.push_back("peer"); }
  std::optional<frys::phase_token> waiting;
};
struct part_front {
  using after = frys::after<part_peer>;
  static constexpr std::string_view name = "front";
  frys::result<void> start() {
    calls.push_back("+front");
    if (broken) return frys::error{frys::errc::address_in_use, frys::domain::user, "port", 80};
    return {};
  }
  bool broken = false;
};
}  // namespace

TEST_CASE("component_phases: those that are up later hold back those that come after them") {
  components<part_front, part_peer, part_log> all;
  frys::component_phases nodes(all);
  frys::start_phases<> phases;
  REQUIRE(nodes.add_to(phases));
  frys::start_phase own{"own"};
  REQUIRE(phases.add(own));
  REQUIRE(phases.after("own", "front"));
  calls.clear();
  REQUIRE(phases.start());
  CHECK(taken() == "+log ");
  CHECK(phases.state() == frys::phases_state::starting);
  CHECK_FALSE(phases.is_up(nodes.phase<part_peer>()));
  all.get<part_peer>().waiting->done();
  CHECK(taken() == "+front ");
  CHECK(phases.is_up(nodes.phase<part_front>()));
  CHECK(phases.state() == frys::phases_state::running);
  all.tick(nanoseconds{1});
  CHECK(taken() == "peer ");
  phases.stop();
  CHECK(taken() == "-peer -log ");
  CHECK(nodes.phase<part_peer>().start_within == nanoseconds{500});
  CHECK(nodes.phase<part_log>().name == "log");

  all.get<part_front>().broken = true;
  REQUIRE(phases.start());
  all.get<part_peer>().waiting->done();
  CHECK(taken() == "+log +front -peer -log ");
  CHECK(phases.failure().why == frys::errc::address_in_use);
  CHECK_FALSE(nodes.add_to(phases).has_value());  // they are in it
}
