#include <frys/queue/lanes.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
template <std::size_t Capacity>
using lanes_of = frys::lanes<element, 2, frys::policy::capacity<Capacity>, frys::policy::aging<3>, with_model>;

// A value in each lane and a command; two consumers.
void two_consumers() {
  lanes_of<1> queue;
  output<3> out[2];
  const auto consume = [&](output<3>& to) {
    auto consumer = queue.consumer();
    for (int i = 0; i < 2; ++i)
      if (auto v = consumer.try_pop()) to.add(*v);
  };
  model::require(static_cast<bool>(queue.try_push(0, 1)), "there is room");
  model::require(static_cast<bool>(queue.try_push(1, 2)), "there is room");
  model::threads([&] { model::require(static_cast<bool>(queue.try_push_control(3)), "data takes no room of it"); },
                 [&] { consume(out[0]); }, [&] { consume(out[1]); });
  auto consumer = queue.consumer();
  while (auto v = consumer.try_pop()) out[0].add(*v);
  for (int v = 1; v <= 3; ++v) model::require(out[0].times(v) + out[1].times(v) == 1, "each value comes out once");
}

// A push, a close and a consumer that goes on until it is told closed.
void close_against_push() {
  lanes_of<1> queue;
  bool pushed[2] = {};
  output<2> out;
  model::threads(
      [&] {
        pushed[0] = static_cast<bool>(queue.try_push(1, 1));
        pushed[1] = static_cast<bool>(queue.try_push_control(2));
      },
      [&] { queue.close(); },
      [&] {
        auto consumer = queue.consumer();
        for (;;) {
          auto v = consumer.try_pop();
          if (v)
            out.add(*v);
          else if (v.is_closed())
            break;
          else
            A::pause();
        }
      });
  for (int i = 0; i < 2; ++i)
    model::require(out.times(i + 1) == (pushed[i] ? 1 : 0), "closed is told behind the last accepted value");
}

TEST_CASE("lanes under the model: consumers lose and double nothing") { holds_at_random(&two_consumers); }
TEST_CASE("lanes under the model: closed is told behind the last accepted value") {
  holds_at_random(&close_against_push);
}

}  // namespace
