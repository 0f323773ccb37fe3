// calendar and start_phases in a user's world: the clock is theirs, and they ask it.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <type_traits>

#include <frys/sched/calendar.hpp>
#include <frys/sched/start_phases.hpp>
#include <frys/sim/world.hpp>

#include "models.hpp"

namespace {

template <class... P>
void use_calendar() {
  frys::calendar<P...> jobs;
  std::size_t runs = 0;
  frys::scheduled job([&] { ++runs; });
  CHECK(jobs.add(job, "* * * * * *").has_value());
  CHECK_FALSE(jobs.next_deadline().is_never());
  const std::size_t ran = jobs.advance();
  CHECK(ran == runs);
  CHECK(job.cancel());
  CHECK(jobs.empty());
}

template <class... P>
void use_start_phases() {
  frys::start_phases<P...> phases;
  frys::start_phase one{"one"};
  CHECK(phases.add(one).has_value());
  CHECK(phases.start().has_value());
  phases.stop();
  CHECK(phases.state() == frys::phases_state::stopped);
}

template <class Use>
long asked_of_the_clock(Use use) {
  const long before = user::uses::clock.load();
  use();
  return user::uses::clock.load() - before;
}

using own_world = frys::policy::world<user::world>;

}  // namespace

TEST_CASE("user_world: calendar and start_phases take a user's clock") {
  use_calendar<>();
  use_calendar<frys::policy::world<frys::sim::world>>();
  CHECK(asked_of_the_clock([] { use_calendar<own_world>(); }) > 0);
  CHECK(asked_of_the_clock([] { use_calendar<own_world, frys::policy::clock<frys::clocks::wall>>(); }) == 0);
  use_start_phases<>();
  use_start_phases<frys::policy::world<frys::sim::world>>();
  CHECK(asked_of_the_clock([] { use_start_phases<own_world>(); }) > 0);
  static_assert(std::is_same_v<frys::calendar<>::clock_type, frys::clocks::wall>);
  static_assert(std::is_same_v<frys::calendar<own_world>::clock_type, user::clock>);
  static_assert(std::is_same_v<frys::start_phases<>::clock_type, frys::clocks::steady>);
}
