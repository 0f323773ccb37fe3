#include "../queue/boost_lockfree.hpp"

#include "blocks.hpp"

#include <frys/queue/blocking.hpp>

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

// A push that is refused behind the close is never counted: the gate is shut and stays shut.
void refused_is_not_counted() {
  frys::detail::push_gate<A> gate;
  gate.close();
  model::threads([&] { model::require(!gate.enter(), "it is closed"); },
                 [&] { model::require(gate.is_shut(), "nobody is inside"); });
}
// Who is told closed sees what was done before.
void closed_publishes() {
  frys::detail::push_gate<A> gate;
  A::var<int> why{0};
  const auto knows = [&](bool told) {
    if (told) model::require(why.get() == 1, "what was done before the close is there");
  };
  model::threads(
      [&] {
        why.ref() = 1;
        gate.close();
      },
      [&] {
        const bool entered = gate.enter();
        knows(!entered);
        if (entered) gate.leave();
      },
      [&] { knows(gate.is_closed()); }, [&] { knows(gate.is_shut()); });
}

// The flag of boost_spsc_queue; what Boost does the model does not see.
void spsc_closed_publishes() {
  frys::boost_spsc_queue<int, frys::policy::capacity<2>, with_model> queue;
  A::var<int> why{0};
  model::threads(
      [&] {
        why.ref() = 1;
        queue.close();
        model::require(queue.try_push(1).is_closed(), "a closed queue refuses");
      },
      [&] {
        if (queue.try_pop().is_closed()) model::require(why.get() == 1, "what was done before the close is there");
      });
}

// In the place of Boost's queue, which knows no model: room for one, under a lock.
class one_slot {
 public:
  bool bounded_push(const element& v) {
    return locked([&] { return full_ ? false : (slot_ = v, full_ = true); });
  }
  bool pop(element& v) {
    return locked([&] { return full_ ? (v = slot_, full_ = false, true) : false; });
  }

 private:
  template <class F>
  bool locked(F f) {
    while (lock_.exchange(true, std::memory_order_acquire)) A::pause();
    const bool done = f();
    lock_.store(false, std::memory_order_release);
    return done;
  }
  A::atomic<bool> lock_{false};
  element slot_{0};
  bool full_ = false;
};
// A push that is told full stands inside while the last value goes and the queue is closed: who looks then is told
// empty, and must be woken when the push has left.
struct gated : frys::detail::gated_boost<element, one_slot, A> {
  using atomics_type = A;
};
void refused_push_wakes() {
  frys::blocking<gated, frys::policy::wait<frys::wait::park>> queue;
  model::require(static_cast<bool>(queue.try_push(1)), "there is room");
  int sum = 0, in = 1;
  model::threads([&] { in += queue.try_push(2) ? 2 : 0; },
                 [&] {
                   if (auto v = queue.try_pop()) sum += *v;
                   queue.close();
                   while (auto v = queue.pop()) sum += *v;
                 });
  model::require(sum == in, "what was accepted comes out, and the consumer is told closed");
}

TEST_CASE("boost_lockfree under the model: a refused push is not counted, and knows why") {
  holds(&refused_is_not_counted);
  holds(&closed_publishes);
  holds(&spsc_closed_publishes);
}
TEST_CASE("boost_lockfree under the model: a push that is refused wakes who waited for it") {
  holds(&refused_push_wakes);
}
TEST_CASE("boost_lockfree under the model: the gate is shut behind the last push") { holds(&push_close_and_pop); }

}  // namespace
#endif
