#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>

#include <frys/queue/sharded_map.hpp>

namespace {

using A = frys::atomics::counting;
using domain_type = frys::epoch_domain<frys::policy::fence<frys::fences::symmetric>, frys::policy::atomics<A>>;
using map_type = frys::sharded_map<std::uint64_t, std::uint64_t, frys::policy::reclaimer<domain_type>>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

}  // namespace

TEST_CASE("sharded_map: a read is three loads and the pin, writes no shared line, and brings three lines at most") {
  A::reset();
  domain_type domain;
  map_type map;
  auto here = *domain.join(), there = *domain.join();
  on(1, [&] {
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(map.insert(there, i, i));
  });
  const A::counts pin = on(0, [&] { (void)here.pin(); });
  const A::counts pin_again = on(0, [&] { (void)here.pin(); });
  for (std::uint64_t i = 0; i < 100; ++i) {
    const A::counts c = on(0, [&] { CHECK(map.contains(here, i)); });
    CHECK((c - pin_again).text().substr(0, 7) == "3 loads");
    CHECK(c.transfers <= 2);  // the shard and the places; the entry is not an atomic
    // And again: nothing travels.
    CHECK((on(0, [&] { CHECK(map.contains(here, i)); }) - pin_again).text() == "3 loads");
  }
  CHECK(pin.rmws == 0);
  const A::counts miss = on(0, [&] { CHECK_FALSE(map.contains(here, std::uint64_t{12345})); });
  CHECK(miss.loads - pin_again.loads <= 3);
  // Reads on one core leave the writer's lines where they are.
  CHECK(on(1, [&] { CHECK(map.insert_or_assign(there, std::uint64_t{5}, std::uint64_t{6})); }).rmws == 2);
}

TEST_CASE("sharded_map: a write is one lock and one unlock; no other read-modify-write, no fence of its own") {
  A::reset();
  domain_type domain;
  map_type map;
  auto seat = *domain.join();
  (void)map.insert(seat, std::uint64_t{1}, 1u);
  const A::counts replaced = on(0, [&] { CHECK(map.insert_or_assign(seat, std::uint64_t{1}, 2u)); });
  CHECK(replaced.rmws == 2);
  CHECK(replaced.fences == 0);
  const A::counts erased = on(0, [&] { CHECK(map.erase(seat, std::uint64_t{1})); });
  CHECK(erased.rmws == 2);
  CHECK(erased.fences == 0);
  const A::counts none = on(0, [&] { CHECK_FALSE(*map.erase(seat, std::uint64_t{1})); });
  CHECK(none.rmws == 2);
}
