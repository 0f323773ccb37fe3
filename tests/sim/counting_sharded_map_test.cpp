#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <type_traits>

#include <frys/queue/sharded_map.hpp>

namespace {

using A = frys::atomics::counting;
using domain_type = frys::epoch_domain<frys::policy::fence<frys::fences::symmetric>, frys::policy::atomics<A>>;
using map_of_words = frys::sharded_map<std::uint64_t, std::uint64_t, frys::policy::reclaimer<domain_type>>;
struct number {
  number(std::uint64_t n) : value(n) {}
  ~number() {}  // NOLINT: so it is not a word
  number(const number&) = default;
  std::uint64_t value;
};
using map_type = frys::sharded_map<std::uint64_t, number, frys::policy::reclaimer<domain_type>>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

}  // namespace

namespace {
template <class Map>
void reads(std::uint64_t least_loads, std::uint64_t most_loads) {
  A::reset();
  domain_type domain;
  Map map;
  auto here = *domain.join(), there = *domain.join();
  on(1, [&] {
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(map.insert(there, i, i));
  });
  const A::counts pin = on(0, [&] { (void)here.pin(); });
  const A::counts pin_again = on(0, [&] { (void)here.pin(); });
  const auto read = [&](std::uint64_t key) {
    const A::counts c = on(0, [&] { CHECK(map.contains(here, key)); }) - pin_again;
    CHECK(c.loads >= least_loads);
    CHECK(c.loads <= most_loads);
    CHECK(c.stores + c.rmws + c.fences == 0);
    return c.transfers;
  };
  for (std::uint64_t i = 0; i < 100; ++i) {
    CHECK(read(i) <= 2);  // the shard and the places; an entry that is allocated is not an atomic
    CHECK(read(i) == 0);  // and again: nothing travels
  }
  CHECK(pin.rmws == 0);
  const A::counts miss = on(0, [&] { CHECK_FALSE(map.contains(here, std::uint64_t{12345})); });
  CHECK(miss.loads - pin_again.loads <= most_loads);
  // Reads on one core leave the writer's lines where they are.
  CHECK(on(1, [&] { CHECK(map.insert_or_assign(there, std::uint64_t{5}, std::uint64_t{6})); }).rmws == 2);
}
}  // namespace

TEST_CASE("sharded_map: a read is three loads and the pin, writes no shared line, and brings three lines at most") {
  reads<map_type>(3, 3);
}
TEST_CASE("sharded_map: a read of words brings two lines at most; it loads their line's head twice") {
  reads<map_of_words>(5, 7);
}

TEST_CASE("sharded_map: a write is one lock and one unlock; no other read-modify-write, no fence of its own") {
  const auto check = []<class Map>(std::type_identity<Map>) {
    A::reset();
    domain_type domain;
    Map map;
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
  };
  check(std::type_identity<map_type>());
  check(std::type_identity<map_of_words>());
}
