#include <frys/queue/spsc_ring.hpp>

#include "blocks.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace {

using namespace blocks;
template <std::size_t Capacity>
using ring_of = frys::spsc_ring<element, frys::policy::capacity<Capacity>, with_model>;

template <std::size_t Capacity>
using lazy_of =
    frys::spsc_ring<element, frys::policy::capacity<Capacity>, frys::policy::publish<frys::publish::lazy>, with_model>;
template <std::size_t Capacity>
using marked_of = frys::spsc_ring<int, frys::policy::capacity<Capacity>, frys::policy::niche<0>, with_model>;

// Three pushes against three pops: what was accepted comes out once each, in order.
template <class Ring>
void push_against_pop() {
  Ring ring;
  output<3> out;
  int accepted = 0;
  model::threads(
      [&] {
        for (int i = 1; i <= 3; ++i) {
          if (!ring.try_push(accepted + 1)) continue;
          ++accepted;
        }
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          if (auto v = ring.try_pop()) out.add(*v);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.count == static_cast<std::size_t>(accepted), "what was accepted comes out, and nothing else");
  for (int i = 1; i <= accepted; ++i)
    model::require(out.values[static_cast<std::size_t>(i - 1)] == i, "values come out in order");
  model::require(accepted >= static_cast<int>((std::min)(Ring::capacity, std::size_t{3})),
                 "an empty ring has room for its capacity");
}

// The bulk forms, with a bulk that is larger than the ring.
void bulk() {
  ring_of<2> ring;
  output<3> out;
  std::size_t accepted = 0;
  model::threads(
      [&] {
        element in[3] = {1, 2, 3};
        accepted = ring.push_some({in, 3});
        accepted += ring.push_some({in + accepted, 3 - accepted});
      },
      [&] {
        element got[2] = {0, 0};
        const std::size_t n = ring.pop_some({got, 2});
        for (std::size_t i = 0; i < n; ++i) out.add(got[i]);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.count == accepted && accepted >= 2, "what was accepted comes out");
  model::require(out.rising(1, 3), "values come out in order");
}

// Values used where they lie, by front and by span.
void in_place() {
  ring_of<2> ring;
  output<3> out;
  model::threads(
      [&] {
        for (int i = 1; i <= 3; ++i) (void)ring.try_push(i);
      },
      [&] {
        if (element* v = ring.front()) {
          out.add(*v);
          model::require(ring.pop_front(), "a value that was seen can be popped");
        }
        const auto part = ring.readable();
        for (const element& v : part) out.add(v);
        ring.consume(part.size());
      });
  model::require(out.rising(1, 3), "values come out in order");
}

// The consumer of a closed ring gets all that was pushed before it is told.
template <class Ring>
void close_after_push() {
  Ring ring;
  output<2> out;
  model::threads(
      [&] {
        (void)ring.try_push(1);
        (void)ring.try_push(2);
        ring.close();
        model::require(ring.try_push(3).is_closed(), "a closed ring refuses");
      },
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
        model::require(ring.is_drained(), "a closed ring that gave all is drained");
      });
  model::require(out.count == 2 && out.rising(1, 2), "closed is told only behind the last value");
}

// The producer of an abandoned ring learns it when the ring is full; what is left is destroyed.
template <class Ring>
void abandon_before_full() {
  Ring ring;
  model::threads(
      [&] {
        for (;;) {
          const auto pushed = ring.try_push(1);
          if (pushed.is_closed()) break;
          if (!pushed) A::pause();
        }
      },
      [&] {
        (void)ring.try_pop();
        ring.abandon();
      });
}

// Spans to write in are for trivial elements: ids of payloads in plain memory.
void written_spans() {
  frys::spsc_ring<int, frys::policy::capacity<2>, with_model> ring;
  typename A::template var<int> payloads[2];
  model::threads(
      [&] {
        const auto room = ring.writable();
        model::require(room.size() == 2, "an empty ring has room for its capacity");
        for (int i = 0; i < 2; ++i) {
          payloads[i].ref() = i + 7;
          room[static_cast<std::size_t>(i)] = i;
        }
        ring.commit(2);
      },
      [&] {
        for (int i = 0; i < 2; ++i)
          if (auto id = ring.try_pop()) model::require(payloads[*id].get() == *id + 7, "what was written is seen");
      });
}

// What each side did before comes with the element, and with the free slot.
void carries_both_ways() {
  marked_of<1> ring;
  A::var<int> payload{0};
  int seen = 0;
  model::threads(
      [&] {
        payload.ref() = 1;
        if (!ring.try_push(1)) return;
        while (!ring.try_push(2)) A::pause();
        payload.ref() = 2;  // the consumer is done with the first
      },
      [&] {
        while (ring.front() == nullptr) A::pause();
        seen = payload.get();
        (void)ring.pop_front();
      });
  model::require(seen == 1, "the payload comes with the element");
}
// A consumer that waits: a lazy ring tells the producer all free slots, and both come to their end.
void lazy_to_the_end() {
  lazy_of<4> ring;
  output<6> out;
  model::threads(
      [&] {
        for (int i = 1; i <= 6;) {
          if (ring.try_push(i))
            ++i;
          else
            A::pause();
        }
      },
      [&] {
        while (out.count < 6) {
          if (auto v = ring.try_pop())
            out.add(*v);
          else
            A::pause();
        }
      });
  model::require(out.rising(1, 6), "values come out in order");
}

// A consumer that tells only when it waits, and a producer that needs what it told.
struct only_when_empty {
  static constexpr std::size_t portion(std::size_t capacity) noexcept { return capacity; }
};
void told_when_empty() {
  frys::spsc_ring<element, frys::policy::capacity<2>, frys::policy::publish<only_when_empty>, with_model> ring;
  int sum = 0;
  model::require(static_cast<bool>(ring.try_push(1)), "there is room");
  model::threads(
      [&] {
        for (int i = 2; i <= 3; ++i)
          while (!ring.try_push(i)) A::pause();
      },
      [&] {
        for (int got = 0; got < 3;) {
          if (auto v = ring.try_pop()) {
            sum += *v;
            ++got;
          } else {
            A::pause();
          }
        }
      });
  model::require(sum == 6, "all come out");
}

// What was done before a push is there behind the pop that takes its value.
template <class Ring>
void carries_what_came_before() {
  Ring ring;
  A::var<int> before{0};
  model::threads(
      [&] {
        before.ref() = 7;
        model::require(static_cast<bool>(ring.try_push(1)), "there is room");
      },
      [&] {
        if (ring.try_pop()) model::require(before.get() == 7, "it is there");
      });
}

// A third thread asks for the size.
void ask_for_size() {
  ring_of<1> ring;
  model::threads([&] { (void)ring.try_push(1); }, [&] { (void)ring.try_pop(); },
                 [&] { model::require(ring.size_hint() <= 1, "the size is within the capacity"); });
}

TEST_CASE("spsc_ring under the model: accepted values come out once each, in order, without a race") {
  holds(&push_against_pop<ring_of<1>>);
  holds(&push_against_pop<ring_of<2>>);
}
TEST_CASE("spsc_ring under the model: so where the consumer tells in portions") {
  holds(&push_against_pop<lazy_of<2>>);
  holds_mostly(&push_against_pop<lazy_of<8>>);
  holds_mostly(&lazy_to_the_end);
}
TEST_CASE("spsc_ring under the model: so where it tells only when it waits") { holds(&told_when_empty); }
TEST_CASE("spsc_ring under the model: a pop has behind it what came before the push") {
  holds(&carries_what_came_before<ring_of<1>>);
  holds(&carries_what_came_before<marked_of<1>>);
}
TEST_CASE("spsc_ring under the model: so with a niche") {
  holds(&push_against_pop<marked_of<1>>);
  holds(&push_against_pop<marked_of<2>>);
  holds(&carries_both_ways);
  holds(&close_after_push<marked_of<2>>);
  holds(&abandon_before_full<marked_of<1>>);
}
TEST_CASE("spsc_ring under the model: so with the bulk forms") { holds(&bulk); }
TEST_CASE("spsc_ring under the model: so with values used in place") { holds(&in_place); }
TEST_CASE("spsc_ring under the model: so with spans to write in") { holds(&written_spans); }
TEST_CASE("spsc_ring under the model: closed is told behind the last value") { holds(&close_after_push<ring_of<2>>); }
TEST_CASE("spsc_ring under the model: an abandoned ring stops its producer") {
  holds(&abandon_before_full<ring_of<1>>);
}
TEST_CASE("spsc_ring under the model: the size hint of a third thread is within the capacity") { holds(&ask_for_size); }

// Slots in pages.
template <class Publish>
void in_pages() {
  auto made = frys::spsc_ring<element, frys::policy::capacity<frys::policy::dynamic>, frys::policy::pages<model::pages>,
                              frys::policy::publish<Publish>, with_model>::make(2);
  model::require(static_cast<bool>(made), "there is memory");
  auto ring = std::move(*made);
  output<3> out;
  int accepted = 0;
  model::threads(
      [&] {
        for (int i = 0; i < 3; ++i)
          if (ring.try_push(accepted + 1)) ++accepted;
        ring.close();
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          if (auto v = ring.try_pop()) out.add(*v);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.count == static_cast<std::size_t>(accepted) && accepted >= 2 && out.rising(1, 3),
                 "what was accepted comes out, in order");
  model::require(ring.is_drained(), "closed is told");
}

// The form that overwrites: what comes out rises, and with what was missed it is all.
template <std::size_t Capacity>
void overwriting() {
  frys::spsc_ring<int, frys::policy::capacity<Capacity>, frys::policy::overflow<frys::overflow::overwrite>, with_model>
      ring;
  output<3> out;
  model::threads(
      [&] {
        for (int i = 1; i <= 3; ++i) model::require(static_cast<bool>(ring.try_push(i)), "never full");
        ring.close();
      },
      [&] {
        for (int i = 0; i < 2; ++i)
          if (auto v = ring.try_pop()) out.add(*v);
      });
  while (auto v = ring.try_pop()) out.add(*v);
  model::require(out.rising(1, 3) && out.count > 0 && out.values[out.count - 1] == 3, "in order, the newest at last");
  model::require(out.count + ring.missed() == 3, "what was lost is counted");
  model::require(ring.is_drained() && ring.try_push(4).is_closed(), "closed is told");
}

TEST_CASE("spsc_ring under the model: a capacity of the run time") {
  holds(&in_pages<frys::publish::each>);
  holds(&in_pages<frys::publish::lazy>);
}
TEST_CASE("spsc_ring under the model: the form that overwrites counts what is lost") {
  holds(&overwriting<1>);
  holds(&overwriting<2>);
}

}  // namespace
