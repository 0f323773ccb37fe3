#include <frys/queue/mpsc_queue.hpp>

#include "blocks.hpp"
#include "fifo.hpp"

namespace {

using namespace blocks;
// Segments of few slots, so that there are steps, and few of them, so that they are used again.
template <std::size_t Slots, std::size_t Segments = 3>
using queue_of =
    frys::mpsc_queue<element, with_model, frys::policy::pages<model::pages>, frys::policy::capacity<Slots>,
                     frys::policy::limit<Segments * frys::mpsc_queue<element, with_model,
                                                                     frys::policy::capacity<Slots>>::segment_bytes>>;
using queue = queue_of<2>;

// One value from each of two producers; both may find that the first segment is missing.
void two_producers() {
  queue q;
  output<2> out;
  model::threads([&] { model::require(static_cast<bool>(q.try_push(1)), "there is room"); },
                 [&] { model::require(static_cast<bool>(q.try_push(2)), "there is room"); },
                 [&] {
                   if (auto v = q.try_pop()) out.add(*v);
                 });
  while (auto v = q.try_pop()) out.add(*v);
  model::require(out.times(1) == 1 && out.times(2) == 1, "each value comes out once");
}

// Two values from one producer against three pops.
void in_order() {
  queue q;
  output<2> out;
  model::threads(
      [&] {
        for (int i = 1; i <= 2; ++i) model::require(static_cast<bool>(q.try_push(i)), "there is room");
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          if (auto v = q.try_pop()) out.add(*v);
      });
  while (auto v = q.try_pop()) out.add(*v);
  model::require(out.count == 2 && out.rising(1, 2), "values come out once each, in order");
}

// Who learns that the queue is closed knows what its closer did before.
void close_publishes() {
  queue q;
  A::var<int> why{0};
  const auto tell = [&] { model::require(why.get() == 1, "the reason is there"); };
  model::threads(
      [&] {
        why.ref() = 1;
        q.close();
      },
      [&] {
        if (q.is_closed()) tell();
      },
      [&] {
        if (q.try_pop().status() == frys::pop_status::closed) tell();
      });
}

// Segments that the consumer gives back are taken again, by two producers at a time.
template <std::size_t Slots>
void segments_again() {
  queue_of<Slots, 4> q;
  output<4> out;
  for (int i = 1; i <= 2; ++i) (void)q.try_push(i);
  for (int i = 0; i < 2; ++i)
    if (auto v = q.try_pop()) out.add(*v);
  model::threads([&] { model::require(static_cast<bool>(q.try_push(3)), "there is room"); },
                 [&] { model::require(static_cast<bool>(q.try_push(4)), "there is room"); },
                 [&] {
                   if (auto v = q.try_pop()) out.add(*v);
                 });
  while (auto v = q.try_pop()) out.add(*v);
  for (int v = 1; v <= 4; ++v) model::require(out.times(v) == 1, "each value comes out once");
  model::require(q.segments() <= 4, "no more segments than the limit");
}

// A producer takes a segment while the consumer gives back, and finds the queue full or not.
template <std::size_t Slots>
void take_against_give_back() {
  queue_of<Slots, 2> q;
  output<4> out;
  int pushed = 1;
  (void)q.try_push(1);
  model::threads(
      [&] {
        for (int i = 2; i <= 4; ++i) {
          if (!q.try_push(i)) break;
          pushed = i;
        }
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          if (auto v = q.try_pop()) out.add(*v);
      });
  while (auto v = q.try_pop()) out.add(*v);
  model::require(out.count == static_cast<std::size_t>(pushed) && out.rising(1, pushed),
                 "values come out once each, in order");
}

// The consumer has what the producer did before, in the first segment and behind a step.
void carries_what_came_before() {
  queue_of<1> q;
  A::var<int> before[2];
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) {
          before[i].ref() = i + 1;
          model::require(static_cast<bool>(q.try_push(i)), "there is room");
        }
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          auto v = q.try_pop();
          if (!v) break;
          model::require(before[*v].get() == *v + 1, "what came before the push");
        }
      });
}

// FIFO, but for pops that answer empty while a push is under way.
template <std::size_t Slots>
void linear() {
  queue_of<Slots, 8> q;
  blocks::fifo_history past(q);
  past.push(0, 1);
  model::threads([&] { past.push(1, 2), past.push(1, 3); }, [&] { past.push(2, 4); },
                 [&] { past.pop(3), past.pop(3), past.pop(3); });
  past.pop(0);
  past.must_be_linearizable();
}

// The role of the consumer goes from a thread to another one.
void consumer_moves() {
  queue_of<1> q;
  output<3> out;
  A::atomic<int> turn{0};
  model::threads(
      [&] {
        for (int i = 1; i <= 3; ++i) model::require(static_cast<bool>(q.try_push(i)), "there is room");
      },
      [&] {
        if (auto v = q.try_pop()) out.add(*v);
        turn.store(1, std::memory_order_release);
      },
      [&] {
        if (turn.load(std::memory_order_acquire) != 1) return;
        if (auto v = q.try_pop()) out.add(*v);
      });
  while (auto v = q.try_pop()) out.add(*v);
  model::require(out.count == 3 && out.rising(1, 3), "values come out once each, in order");
}

// A push, a close, and a consumer that goes on until it is told closed.
void close_against_push() {
  queue q;
  bool pushed = false;
  output<1> out;
  model::threads([&] { pushed = static_cast<bool>(q.try_push(1)); }, [&] { q.close(); },
                 [&] {
                   for (;;) {
                     auto v = q.try_pop();
                     if (v)
                       out.add(*v);
                     else if (v.is_closed())
                       break;
                     else
                       A::pause();
                   }
                 });
  model::require(out.times(1) == (pushed ? 1 : 0), "closed is told behind the last accepted value");
  model::require(q.is_closed() && q.try_push(2).is_closed(), "a closed queue refuses");
}

// The same behind the end of a segment.
void close_against_push_behind_a_step() {
  queue_of<1> q;
  bool pushed = false;
  output<3> out;
  for (int i = 1; i <= 2; ++i) (void)q.try_push(i);
  for (int i = 0; i < 3; ++i)
    if (auto v = q.try_pop()) out.add(*v);
  model::threads([&] { pushed = static_cast<bool>(q.try_push(3)); }, [&] { q.close(); },
                 [&] {
                   for (;;) {
                     auto v = q.try_pop();
                     if (v)
                       out.add(*v);
                     else if (v.is_closed())
                       break;
                     else
                       A::pause();
                   }
                 });
  model::require(out.times(3) == (pushed ? 1 : 0), "closed is told behind the last accepted value");
}

// Memory that may be refused.
struct scarce_pages {
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (A::choose(2) == 1) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "the test refuses", 0};
    return model::pages::allocate(size);
  }
  static void release(frys::byte_span memory) noexcept { model::pages::release(memory); }
};

// Two producers of whom one or both may get no memory; who loses may use the other one's.
void refused_memory() {
  frys::mpsc_queue<element, with_model, frys::policy::pages<scarce_pages>, frys::policy::capacity<2>> q;
  bool pushed[2] = {};
  output<2> out;
  model::threads([&] { pushed[0] = static_cast<bool>(q.try_push(1)); },
                 [&] { pushed[1] = static_cast<bool>(q.try_push(2)); });
  while (auto v = q.try_pop()) out.add(*v);
  for (int i = 0; i < 2; ++i)
    model::require(out.times(i + 1) == (pushed[i] ? 1 : 0), "what was accepted comes out once, and nothing else");
}

// Values left in the queue die with it.
void left_over() {
  queue q;
  model::threads([&] { (void)q.try_push(1); }, [&] { (void)q.try_push(2); });
}

TEST_CASE("mpsc_queue under the model: two producers lose and double nothing") {
  holds_at_random(&two_producers, 4'000);
}
TEST_CASE("mpsc_queue under the model: values of one producer keep their order") { holds(&in_order); }
TEST_CASE("mpsc_queue under the model: segments are used again") {
  holds_at_random(&segments_again<1>, 4'000);
  holds_at_random(&segments_again<2>, 4'000);
  holds_at_random(&take_against_give_back<1>, 4'000);
  holds_at_random(&take_against_give_back<2>, 4'000);
}
TEST_CASE("mpsc_queue under the model: a value carries what its producer did before") {
  holds(&carries_what_came_before);
}
TEST_CASE("mpsc_queue under the model: linearizable") {
  holds_at_random(&linear<1>);
  holds_at_random(&linear<4>);
}
TEST_CASE("mpsc_queue under the model: the consumer's role moves") { holds_at_random(&consumer_moves); }
TEST_CASE("mpsc_queue under the model: a close publishes what came before it") { holds(&close_publishes); }
TEST_CASE("mpsc_queue under the model: closed is told behind the last accepted value") {
  holds_at_random(&close_against_push, 4'000);
  holds_at_random(&close_against_push_behind_a_step, 4'000);
}
TEST_CASE("mpsc_queue under the model: memory that is refused loses nothing") {
  holds_at_random(&refused_memory, 4'000);
}
TEST_CASE("mpsc_queue under the model: what is left dies with the queue") { holds(&left_over); }

}  // namespace
