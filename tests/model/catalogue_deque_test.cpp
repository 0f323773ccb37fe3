#include "catalogue_deque.hpp"

namespace {

using namespace catalogue;
using A = checked;

// Nothing is taken twice, nothing is lost: `got` are the ids that came out, 0 to count - 1 must each be there once.
template <std::size_t N>
void each_once(const std::array<int, N>& got, int count) {
  for (int id = 0; id < count; ++id) {
    int times = 0;
    for (const int g : got) times += g == id ? 1 : 0;
    model::require(times < 2, "no element comes out twice");
    model::require(times > 0, "no element is lost");
  }
  for (const int g : got) model::require(g < count && g >= -1, "only what was pushed comes out");
}

// Two elements; the owner takes one while a thief steals up to two.
template <deque_bug B>
void take_against_steal() {
  stealing_deque<A, B> deque(4);
  std::array<int, 5> got{-1, -1, -1, -1, -1};
  deque.push(0);
  deque.push(1);
  model::threads([&] { got[0] = deque.take(); },
                 [&] {
                   got[1] = deque.steal();
                   got[2] = deque.steal();
                 });
  got[3] = deque.take();
  got[4] = deque.take();
  each_once(got, 2);
}

// The payload behind an id is plain memory.
template <deque_bug B>
void hand_over() {
  stealing_deque<A, B> deque(2);
  typename A::template var<int> payload;
  model::threads(
      [&] {
        payload.ref() = 7;
        deque.push(0);
      },
      [&] {
        if (deque.steal() == 0) model::require(payload.get() == 7, "the thief sees what the owner wrote");
      });
}

// A full array grows under the thief.
template <deque_bug B>
void grow_against_steal() {
  stealing_deque<A, B> deque(1);
  std::array<int, 4> got{-1, -1, -1, -1};
  deque.push(0);
  model::threads([&] { deque.push(1); }, [&] { got[0] = deque.steal(); });
  got[1] = deque.take();
  got[2] = deque.take();
  each_once(got, 2);
}

// Nothing to take.
template <deque_bug B>
void empty() {
  stealing_deque<A, B> deque(2);
  int taken = 0, stolen = 0;
  model::threads([&] { taken = deque.take(); }, [&] { stolen = deque.steal(); });
  model::require(taken == -1, "an empty deque has nothing to take");
  model::require(stolen == -1, "an empty deque has nothing to steal");
}

TEST_CASE("catalogue: Chase-Lev without its bugs is sound") {
  sound(model::check(model::exhaustive{}, &take_against_steal<deque_bug::none>));
  sound(model::check(model::exhaustive{}, &hand_over<deque_bug::none>));
  sound(model::check(model::exhaustive{}, &grow_against_steal<deque_bug::none>));
  sound(model::check(model::exhaustive{}, &empty<deque_bug::none>));
}
TEST_CASE("catalogue: Chase-Lev, push without its fence is a race on the payload") {
  found(model::check(model::exhaustive{}, &hand_over<deque_bug::push_without_fence>), {fault::race});
}
TEST_CASE("catalogue: Chase-Lev, take without its fence gives an element out twice") {
  found(model::check(model::exhaustive{}, &take_against_steal<deque_bug::take_without_fence>), {fault::requirement},
        "twice");
}
TEST_CASE("catalogue: Chase-Lev, steal without its fence gives an element out twice") {
  found(model::check(model::exhaustive{}, &take_against_steal<deque_bug::steal_without_fence>), {fault::requirement},
        "twice");
}
TEST_CASE("catalogue: Chase-Lev, a grown array published relaxed is a race") {
  found(model::check(model::exhaustive{}, &grow_against_steal<deque_bug::relaxed_array>), {fault::race});
}
TEST_CASE("catalogue: Chase-Lev, a push into the outgrown array loses an element") {
  found(model::check(model::exhaustive{}, &grow_against_steal<deque_bug::old_array>), {fault::requirement});
}
TEST_CASE("catalogue: Chase-Lev, an array freed under a thief is a use after free") {
  found(model::check(model::exhaustive{}, &grow_against_steal<deque_bug::array_freed_early>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: Chase-Lev, unsigned indices underflow at an empty deque") {
  found(model::check(model::exhaustive{}, &empty<deque_bug::unsigned_indices>), {fault::requirement}, "empty deque");
}
TEST_CASE("catalogue: Chase-Lev, a last element that nobody competes for comes out twice") {
  found(model::check(model::random{.executions = 20000}, &take_against_steal<deque_bug::unarbitrated_last_one>),
        {fault::requirement}, "twice");
}

}  // namespace
