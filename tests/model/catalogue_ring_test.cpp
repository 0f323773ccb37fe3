#include "catalogue_ring.hpp"

namespace {

using namespace catalogue;
using A = checked;

// One slot, two values, one producer and one consumer; the second value comes in the lap after `FirstLap`.
template <ring_bug B, std::uint64_t FirstLap>
void two_laps() {
  ticket_ring<A, B, 1> ring(FirstLap);
  int first = 0, second = 0;
  model::threads(
      [&] {
        ring.push(1);
        ring.push(2);
      },
      [&] {
        first = ring.pop();
        second = ring.pop();
      });
  model::require(first == 1 && second == 2, "values come out once each, in order");
}

// Two slots, two producers, a consumer of both values.
template <ring_bug B>
void two_producers() {
  ticket_ring<A, B, 2> ring(ticket_ring<A, B, 2>::last_lap);
  int sum = 0;
  model::threads([&] { ring.push(1); }, [&] { ring.push(2); },
                 [&] {
                   sum = ring.pop();
                   sum += 10 * ring.pop();
                 });
  model::require(sum == 21 || sum == 12, "each value comes out once");
}

constexpr std::uint64_t wrap = ticket_ring<A, ring_bug::none, 1>::last_lap;

TEST_CASE("catalogue: a ticket ring is sound also where its turns wrap") {
  sound(model::check(model::exhaustive{}, &two_laps<ring_bug::none, 0>));
  sound(model::check(model::exhaustive{}, &two_laps<ring_bug::none, wrap>));
  sound(model::check(model::exhaustive{}, &two_producers<ring_bug::none>));
}
TEST_CASE("catalogue: a ticket ring that compares turns by size is right until they wrap") {
  sound(model::check(model::exhaustive{}, &two_laps<ring_bug::turns_by_size, 0>));
  found(model::check(model::random{.executions = 20000}, &two_laps<ring_bug::turns_by_size, wrap>),
        {fault::race, fault::requirement, fault::deadlock});
}
TEST_CASE("catalogue: a ticket ring with a relaxed turn is a race") {
  found(model::check(model::random{.executions = 20000}, &two_laps<ring_bug::relaxed_publish, 0>), {fault::race});
  found(model::check(model::random{.executions = 20000}, &two_laps<ring_bug::relaxed_vacate, 0>), {fault::race});
}
TEST_CASE("catalogue: a ticket ring that tells of a value before it is there is a race") {
  found(model::check(model::random{.executions = 20000}, &two_laps<ring_bug::turn_before_value, 0>), {fault::race});
}
TEST_CASE("catalogue: a ticket taken by load and store is taken twice") {
  found(model::check(model::random{.executions = 20000}, &two_producers<ring_bug::tickets_by_load>),
        {fault::race, fault::requirement, fault::deadlock});
}

}  // namespace
