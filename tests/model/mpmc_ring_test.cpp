#include <frys/queue/mpmc_ring.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
template <std::size_t Capacity>
using ring_of = frys::mpmc_ring<element, frys::policy::capacity<Capacity>, with_model>;

// One value from each of two producers, one pop meanwhile.
template <std::size_t Capacity>
void two_producers() {
  ring_of<Capacity> ring;
  bool pushed[2] = {};
  output<2> out;
  model::threads([&] { pushed[0] = static_cast<bool>(ring.try_push(1)); },
                 [&] { pushed[1] = static_cast<bool>(ring.try_push(2)); },
                 [&] {
                   if (auto v = ring.try_pop()) out.add(*v);
                 });
  while (auto v = ring.try_pop()) out.add(*v);
  for (int i = 0; i < 2; ++i)
    model::require(out.times(i + 1) == (pushed[i] ? 1 : 0), "what was accepted comes out once, and nothing else");
  model::require(pushed[0] || pushed[1], "one of two finds room in an empty ring");
}

// Two consumers share what one producer pushes.
template <std::size_t Capacity>
void two_consumers() {
  ring_of<Capacity> ring;
  output<2> out[2];
  int accepted = 0;
  const auto consume = [&](output<2>& to) {
    if (auto v = ring.try_pop()) to.add(*v);
  };
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i)
          if (ring.try_push(accepted + 1)) ++accepted;
      },
      [&] { consume(out[0]); }, [&] { consume(out[1]); });
  while (auto v = ring.try_pop()) out[0].add(*v);
  for (int v = 1; v <= 2; ++v)
    model::require(out[0].times(v) + out[1].times(v) == (v <= accepted ? 1 : 0), "what was accepted comes out once");
}

// Slots are used again: three pushes and three pops through one slot.
template <std::size_t Capacity>
void laps() {
  ring_of<Capacity> ring;
  output<3> out;
  int accepted = 0;
  model::threads(
      [&] {
        for (int i = 0; i < 3; ++i)
          if (ring.try_push(accepted + 1)) ++accepted;
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          if (auto v = ring.try_pop()) out.add(*v);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.count == static_cast<std::size_t>(accepted) && out.rising(1, 3), "in order, none lost");
}

// Each thread pushes one and pops one.
void both_roles() {
  ring_of<2> ring;
  output<2> out[2];
  const auto work = [&](int v, output<2>& to) {
    model::require(static_cast<bool>(ring.try_push(v)), "there is room");
    if (auto got = ring.try_pop()) to.add(*got);
  };
  model::threads([&] { work(1, out[0]); }, [&] { work(2, out[1]); });
  while (auto v = ring.try_pop()) out[0].add(*v);
  for (int v = 1; v <= 2; ++v) model::require(out[0].times(v) + out[1].times(v) == 1, "each value comes out once");
}

// A push, a close and a consumer that goes on until it is told closed.
void close_against_push() {
  ring_of<2> ring;
  bool pushed = false;
  output<1> out;
  model::threads([&] { pushed = static_cast<bool>(ring.try_push(1)); }, [&] { ring.close(); },
                 [&] {
                   for (;;) {
                     auto v = ring.try_pop();
                     if (v)
                       out.add(*v);
                     else if (v.is_closed())
                       break;
                     else
                       A::pause();
                   }
                 });
  model::require(out.times(1) == (pushed ? 1 : 0), "closed is told behind the last accepted value");
  model::require(ring.is_closed() && ring.try_push(2).is_closed(), "a closed ring refuses");
}

TEST_CASE("mpmc_ring under the model: two producers lose and double nothing") {
  holds(&two_producers<1>);
  holds(&two_producers<2>);
}
TEST_CASE("mpmc_ring under the model: two consumers lose and double nothing") {
  holds(&two_consumers<1>);
  holds(&two_consumers<2>);
}
TEST_CASE("mpmc_ring under the model: slots are used again in order") {
  holds(&laps<1>);
  holds(&laps<2>);
}
TEST_CASE("mpmc_ring under the model: threads that push and pop") { holds(&both_roles); }
TEST_CASE("mpmc_ring under the model: closed is told behind the last accepted value") { holds(&close_against_push); }

}  // namespace
