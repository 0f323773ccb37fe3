#include "../queue/boost_lockfree.hpp"

#include "blocks.hpp"

#if defined(FRYS_WITH_BOOST_LOCKFREE) && FRYS_WITH_BOOST_LOCKFREE
namespace {

using namespace blocks;

// What was done between enter and leave is seen by who finds the gate shut, whether the push came in or not.
void push_close_and_pop() {
  frys::detail::push_gate<A> gate;
  A::var<int> value{0};
  bool entered = false;
  int seen = -1;
  model::threads(
      [&] {
        entered = gate.enter();
        if (!entered) return;
        value.ref() = 1;
        gate.leave();
      },
      [&] { gate.close(); },
      [&] {
        if (gate.is_shut()) seen = value.get();
      });
  model::require(seen == -1 || seen == (entered ? 1 : 0), "shut behind the last push");
  model::require(gate.is_shut() && !gate.enter(), "nobody comes in any more");
}

TEST_CASE("boost_lockfree under the model: the gate is shut behind the last push") { holds(&push_close_and_pop); }

}  // namespace
#endif
