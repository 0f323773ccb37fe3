#include <frys/queue/mpmc_ring.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "blocks.hpp"
#include "fifo.hpp"

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

// Whoever is told closed, by a push, a pop or a look, knows what was done before.
void closed_publishes() {
  ring_of<2> ring;
  A::var<int> why{0};
  const auto knows = [&](bool told) {
    if (told) model::require(why.get() == 1, "what was done before the close is there");
  };
  model::threads(
      [&] {
        why.ref() = 1;
        ring.close();
      },
      [&] { knows(ring.try_push(1).is_closed()); },
      [&] {
        element two[2] = {1, 2};
        knows(ring.push_some(two) == 0);  // one value of the other's at most: not full
      });
}
void closed_publishes_to_consumers() {
  ring_of<2> ring;
  A::var<int> why{0};
  const auto knows = [&](bool told) {
    if (told) model::require(why.get() == 1, "what was done before the close is there");
  };
  model::threads(
      [&] {
        why.ref() = 1;
        ring.close();
      },
      [&] { knows(ring.try_pop().is_closed()); }, [&] { knows(ring.is_closed()); });
}
// A look at the size meets two indices at different times.
void sizes() {
  ring_of<4> ring;
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) {
          model::require(static_cast<bool>(ring.try_push(1)), "there is room");
          model::require(ring.try_pop().has_value(), "it is there");
        }
      },
      [&] { model::require(ring.size_hint() <= 2, "no more than went in"); });
}

// As laps, with turns of 8 bits on the verge of their wrap.
template <std::size_t Capacity>
void laps_across_the_wrap() {
  using cell = frys::detail::turn_cell<element, A, std::uint8_t>;
  frys::detail::turn_ring<element, frys::detail::fixed_slots<cell, Capacity>, A, std::uint8_t> ring;
  for (std::size_t i = 0; i < 127 * Capacity; ++i) {
    model::require(static_cast<bool>(ring.try_push(9)), "there is room");
    auto v = ring.try_pop();
    model::require(static_cast<bool>(v) && *v == 9, "and it comes out");
  }
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

template <std::size_t Capacity>
void linear() {
  ring_of<Capacity> ring;
  blocks::fifo_history past(ring, Capacity);
  past.push(0, 1);
  model::threads([&] { past.push(1, 2), past.pop(1); }, [&] { past.push(2, 3); }, [&] { past.pop(3), past.pop(3); });
  past.pop(0);
  past.must_be_linearizable();
}

// Two at once from one thread, one from another, two at once out.
template <std::size_t Capacity>
void several() {
  ring_of<Capacity> ring;
  std::size_t pushed = 0;
  bool other = false;
  output<3> out;
  const auto take = [&] {
    element got[2];
    const std::size_t n = ring.pop_some(got);
    for (std::size_t i = 0; i < n; ++i) out.add(got[i]);
  };
  model::threads(
      [&] {
        element two[2] = {1, 2};
        pushed = ring.push_some(two);
      },
      [&] { other = static_cast<bool>(ring.try_push(3)); }, take);
  take();
  take();
  model::require(
      out.times(1) == (pushed > 0 ? 1 : 0) && out.times(2) == (pushed > 1 ? 1 : 0) && out.times(3) == (other ? 1 : 0),
      "what was accepted comes out once");
  model::require(out.rising(1, 2), "in order");
  for (std::size_t i = 0; i + 1 < out.count; ++i)
    model::require(pushed < 2 || out.values[i] != 1 || out.values[i + 1] == 2, "values of one call are neighbours");
}

// Slots that were emptied by several at once are filled by several at once.
void several_again() {
  ring_of<2> ring;
  output<4> out;
  std::size_t pushed = 0;
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) {
          element two[2] = {static_cast<int>(pushed) + 1, static_cast<int>(pushed) + 2};
          pushed += ring.push_some(two);
        }
      },
      [&] {
        element got[2];
        const std::size_t n = ring.pop_some(got);
        for (std::size_t i = 0; i < n; ++i) out.add(got[i]);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.count == pushed && out.rising(1, 4), "in order, none lost");
}

// Slots in pages.
void in_pages() {
  auto made = frys::mpmc_ring<element, frys::policy::capacity<frys::policy::dynamic>, frys::policy::pages<model::pages>,
                              with_model>::make(2);
  model::require(static_cast<bool>(made), "there is memory");
  auto ring = std::move(*made);
  bool pushed = false;
  output<2> out;
  model::require(static_cast<bool>(ring.try_push(1)), "there is room");
  model::threads([&] { pushed = static_cast<bool>(ring.try_push(2)); },
                 [&] {
                   if (auto v = ring.try_pop()) out.add(*v);
                 });
  model::require(pushed && out.times(1) == 1, "the oldest comes out");
}

// A close between two pops of a thread that pops till the end; pushes of several.
void close_against_several() {
  ring_of<2> ring;
  std::size_t pushed = 0;
  output<2> out;
  model::threads(
      [&] {
        element two[2] = {1, 2};
        pushed = ring.push_some(two);
      },
      [&] { ring.close(); },
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
  model::require(out.count == pushed && out.rising(1, 2), "closed is told behind the last accepted value");
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

TEST_CASE("mpmc_ring under the model: closed publishes what was done before") {
  holds(&closed_publishes);
  holds(&closed_publishes_to_consumers);
}
TEST_CASE("mpmc_ring under the model: linearizable, but for answers empty and full while another is half way") {
  holds_at_random(&linear<1>, 4'000);
  holds_at_random(&linear<2>, 4'000);
}
TEST_CASE("mpmc_ring under the model: a look at the size") { holds(&sizes); }
TEST_CASE("mpmc_ring under the model: turns of 8 bits wrap") {
  holds(&laps_across_the_wrap<1>);
  holds(&laps_across_the_wrap<2>);
}
TEST_CASE("mpmc_ring under the model: several at once, beside one at a time") {
  holds(&several<2>);
  holds(&several<4>);
  holds(&several_again);
}
TEST_CASE("mpmc_ring under the model: a capacity of the run time") { holds(&in_pages); }
TEST_CASE("mpmc_ring under the model: closed is told behind values pushed at once") { holds(&close_against_several); }

}  // namespace
