#include <frys/queue/broadcast_ring.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
using frys::nth_reader;
using frys::reads;
namespace policy = frys::policy;

struct journal {};
struct left {};
struct right {};
struct last {};
using chain = policy::readers<reads<journal>, reads<last, journal>>;
using diamond = policy::readers<reads<left>, reads<right>, reads<last, left, right>>;
template <std::size_t Capacity, class Readers = policy::independent_readers<1>>
using ring_of = frys::broadcast_ring<element, policy::capacity<Capacity>, Readers, with_model>;
template <std::size_t Capacity, class T = int>
using lossy_of =
    frys::broadcast_ring<T, policy::capacity<Capacity>, policy::overflow<frys::overflow::overwrite>, with_model>;

// Pushes 1, 2, ... until `most` pushes were tried.
template <class Ring>
int push_some(Ring& ring, int most) {
  int accepted = 0;
  for (int i = 0; i < most; ++i)
    if (ring.try_push(accepted + 1)) ++accepted;
  return accepted;
}
template <std::size_t Most, class Reader>
void pop_some(Reader reader, int most, output<Most>& out) {
  for (int i = 0; i < most; ++i)
    if (auto v = reader.try_pop()) out.add(*v);
}
template <std::size_t Most>
void require_all(const output<Most>& out, int accepted) {
  model::require(out.count == static_cast<std::size_t>(accepted) && out.rising(1, accepted),
                 "each reader gets what was accepted, once each, in order");
}

// Three pushes against three pops, through slots that are used again.
template <std::size_t Capacity>
void push_against_pop() {
  ring_of<Capacity> ring;
  output<3> out;
  int accepted = 0;
  model::threads([&] { accepted = push_some(ring, 3); }, [&] { pop_some(ring.reader(), 3, out); });
  pop_some(ring.reader(), 3, out);
  require_all(out, accepted);
  model::require(accepted >= static_cast<int>(Capacity), "an empty ring has room for its capacity");
}

// Two readers that know nothing of each other.
void two_readers() {
  ring_of<1, policy::independent_readers<2>> ring;
  output<2> out[2];
  int accepted = 0;
  model::threads([&] { accepted = push_some(ring, 2); }, [&] { pop_some(ring.reader<nth_reader<0>>(), 2, out[0]); },
                 [&] { pop_some(ring.reader<nth_reader<1>>(), 2, out[1]); });
  pop_some(ring.reader<nth_reader<0>>(), 2, out[0]);
  pop_some(ring.reader<nth_reader<1>>(), 2, out[1]);
  require_all(out[0], accepted);
  require_all(out[1], accepted);
}

// The second reader sees what the first did with the value; the producer waits for the second alone.
void one_after_the_other() {
  ring_of<1, chain> ring;
  A::var<int> done[3];
  output<2> out;
  int accepted = 0;
  model::threads([&] { accepted = push_some(ring, 2); },
                 [&] {
                   auto reader = ring.reader<journal>();
                   for (int i = 0; i < 2; ++i)
                     if (const element* v = reader.front()) {
                       done[v->get()].ref() = 1;
                       reader.pop_front();
                     }
                 },
                 [&] {
                   auto reader = ring.reader<last>();
                   for (int i = 0; i < 2; ++i)
                     if (auto v = reader.try_pop()) {
                       model::require(done[*v].get() == 1, "the reader before is done with it");
                       out.add(*v);
                     }
                 });
  model::require(out.rising(1, accepted), "in order");
}

// A reader after two others.
void after_both() {
  ring_of<2, diamond> ring;
  A::var<int> done[2];
  bool got = false;
  (void)ring.try_push(1);
  const auto work = [&](auto reader, A::var<int>& mine) {
    if (const element* v = reader.front()) {
      mine.ref() = *v;
      reader.pop_front();
    }
  };
  model::threads([&] { work(ring.reader<left>(), done[0]); }, [&] { work(ring.reader<right>(), done[1]); },
                 [&] {
                   for (int i = 0; i < 2 && !got; ++i)
                     if (auto v = ring.reader<last>().try_pop()) {
                       model::require(done[0].get() == *v && done[1].get() == *v, "both are done with it");
                       got = true;
                     }
                 });
  model::require(got || ring.reader<last>().try_pop().has_value(), "it comes to the last reader");
}

// Spans and bulk.
void spans() {
  frys::broadcast_ring<int, policy::capacity<2>, with_model> ring;
  A::var<int> payloads[3];
  output<3> out;
  int sent = 0;
  model::threads(
      [&] {
        for (int round = 0; round < 2; ++round) {
          const auto room = ring.writable();
          for (std::size_t i = 0; i < room.size() && sent < 3; ++i) {
            payloads[sent].ref() = sent + 7;
            room[i] = sent++;
            ring.commit(1);
            break;
          }
        }
        int more[1] = {sent};
        if (sent < 3) {
          payloads[sent].ref() = sent + 7;
          sent += static_cast<int>(ring.push_some({more, 1}));
        }
      },
      [&] {
        auto reader = ring.reader();
        for (int i = 0; i < 2; ++i) {
          const auto part = reader.readable();
          for (const int v : part) {
            model::require(payloads[v].get() == v + 7, "what was written is seen");
            out.add(v);
          }
          reader.consume(part.size());
        }
      });
  model::require(out.rising(0, 2), "in order");
}

// Each reader of a closed ring gets all that was pushed before it is told.
void close_after_push() {
  ring_of<2, chain> ring;
  output<1> out[2];
  const auto drain = [&](auto reader, output<1>& to) {
    for (;;) {
      auto v = reader.try_pop();
      if (v)
        to.add(*v);
      else if (v.is_closed())
        break;
      else
        A::pause();
    }
    model::require(reader.is_drained(), "a closed ring that gave all is drained");
  };
  model::threads(
      [&] {
        (void)ring.try_push(1);
        ring.close();
        model::require(ring.try_push(2).is_closed(), "a closed ring refuses");
      },
      [&] { drain(ring.reader<journal>(), out[0]); }, [&] { drain(ring.reader<last>(), out[1]); });
  require_all(out[0], 1);
  require_all(out[1], 1);
}
// Who is told closed knows what the closer did.
void close_publishes() {
  ring_of<1> ring;
  A::var<int> why{0};
  model::threads(
      [&] {
        why.ref() = 1;
        ring.close();
      },
      [&] {
        if (ring.reader().try_pop().is_closed()) model::require(why.get() == 1, "the reason is there");
      });
}

// A reader leaves: the one after it follows the producer, and the producer goes on.
void leave_in_the_middle() {
  ring_of<1, chain> ring;
  output<2> out;
  int accepted = 0;
  A::var<int> told{0};
  model::threads([&] { accepted = push_some(ring, 2); },
                 [&] {
                   pop_some(ring.reader<journal>(), 1, out);
                   told.ref() = 1;
                   ring.reader<journal>().leave();
                 },
                 [&] {
                   output<2> mine;
                   pop_some(ring.reader<last>(), 2, mine);
                   model::require(mine.rising(1, 2), "in order");
                 });
}
// The last reader leaves; what it read is done with before the slot is built over.
void leave_at_the_end() {
  ring_of<1, chain> ring;
  output<2> first;
  output<2> second;
  model::threads([&] { (void)push_some(ring, 3); }, [&] { pop_some(ring.reader<journal>(), 2, first); },
                 [&] {
                   auto reader = ring.reader<last>();
                   if (const element* v = reader.front()) second.add(*v);
                   reader.leave();
                 });
  model::require(first.rising(1, 2), "in order");
}
// All leave: the producer is told.
void all_leave() {
  ring_of<1> ring;
  model::threads(
      [&] {
        for (;;) {
          const auto pushed = ring.try_push(1);
          if (pushed.is_closed()) break;
          if (!pushed) A::pause();
        }
      },
      [&] { ring.reader().leave(); });
}
void ask_for_size() {
  ring_of<1> ring;
  model::threads([&] { (void)ring.try_push(1); }, [&] { (void)ring.reader().try_pop(); },
                 [&] { model::require(ring.size_hint() <= 1, "the size is within the capacity"); });
}

TEST_CASE("broadcast_ring under the model: values come to a reader once each, in order, without a race") {
  holds(&push_against_pop<1>);
  holds(&push_against_pop<2>);
}
TEST_CASE("broadcast_ring under the model: two readers both get all") { holds(&two_readers); }
TEST_CASE("broadcast_ring under the model: a reader comes after those it follows") {
  holds(&one_after_the_other);
  holds(&after_both);
}
TEST_CASE("broadcast_ring under the model: so with spans and bulk") { holds(&spans); }
TEST_CASE("broadcast_ring under the model: closed is told behind the last value") {
  holds(&close_after_push);
  holds(&close_publishes);
}
TEST_CASE("broadcast_ring under the model: nobody waits for a reader that has left") {
  holds(&leave_in_the_middle);
  holds(&leave_at_the_end);
  holds(&all_leave);
}
TEST_CASE("broadcast_ring under the model: the size hint of a third thread is within the capacity") {
  holds(&ask_for_size);
}
TEST_CASE("broadcast_ring under the model: all operations are wait-free") {
  const model::report r = model::check(model::exhaustive{.most_thread_steps = 20}, [] {
    frys::broadcast_ring<int, policy::capacity<1>, diamond, with_model> ring;
    model::threads([&] { (void)ring.try_push(1), (void)ring.try_push(2); },
                   [&] { (void)ring.reader<left>().try_pop(), ring.reader<right>().leave(); },
                   [&] { (void)ring.reader<last>().try_pop(); });
  });
  INFO(r.text());
  CHECK(r.passed());
  CHECK(r.complete);
}

// --- the form that overwrites.

struct pair {
  std::size_t a = 0, b = 0;
};

// Values that are read are whole, in order, and gaps are counted.
template <std::size_t Capacity>
void overtaken() {
  lossy_of<Capacity, pair> ring;
  std::uint64_t taken = 0;
  const auto read = [&](auto& reader, int most) {
    for (int i = 0; i < most; ++i)
      if (auto v = reader.try_pop()) {
        ++taken;
        model::require(v->a == v->b, "what was read belongs together");
        model::require(v->a + 1 == reader.missed() + taken, "the gap is counted exactly");
      }
  };
  auto reader = ring.subscribe();
  model::threads(
      [&] {
        for (std::size_t i = 0; i < 3; ++i) (void)ring.try_push({i, i});
      },
      [&] { read(reader, 2); });
  read(reader, 3);
  model::require(reader.position() == 3, "the newest value is not lost");
}
// Bulk: no gap inside.
void overtaken_in_bulk() {
  lossy_of<2> ring;
  auto reader = ring.subscribe();
  const auto read = [&](int(&out)[3]) {
    const std::size_t n = reader.pop_some({out, 3});
    for (std::size_t i = 1; i < n; ++i) model::require(out[i] == out[i - 1] + 1, "no gap inside");
    if (n != 0) model::require(static_cast<std::uint64_t>(out[n - 1]) + 1 == reader.position(), "the place is right");
  };
  model::threads(
      [&] {
        const int some[2] = {0, 1};
        (void)ring.push_some(some);
        (void)ring.try_push(2);
      },
      [&] {
        int out[3];
        read(out);
      });
  int out[3];
  read(out);
  model::require(reader.position() == 3, "the newest value is not lost");
}
// What came before the push is known after the pop.
void overwrite_publishes() {
  lossy_of<1> ring;
  A::var<int> payload{0};
  auto reader = ring.subscribe();
  model::threads(
      [&] {
        payload.ref() = 7;
        (void)ring.try_push(1);
      },
      [&] {
        if (reader.try_pop()) model::require(payload.get() == 7, "what came before the push is there");
      });
}
void overwrite_close() {
  lossy_of<2> ring;
  A::var<int> why{0};
  auto reader = ring.subscribe();
  model::threads(
      [&] {
        (void)ring.try_push(1);
        why.ref() = 1;
        ring.close();
      },
      [&] {
        output<1> out;
        for (;;) {
          auto v = reader.try_pop();
          if (v)
            out.add(*v);
          else if (v.is_closed())
            break;
          else
            A::pause();
        }
        model::require(out.count == 1, "closed is told behind the last value");
        model::require(why.get() == 1, "the reason is there");
        model::require(reader.is_drained(), "a closed ring that gave all is drained");
      });
}
void subscribe_meanwhile() {
  lossy_of<2> ring;
  model::threads([&] { (void)ring.try_push(0), (void)ring.try_push(1); },
                 [&] {
                   auto reader = ring.subscribe_oldest();
                   auto fresh = ring.subscribe();
                   if (auto v = reader.try_pop())
                     model::require(static_cast<unsigned>(*v) + 1 == reader.position(), "its place");
                   if (auto v = fresh.try_pop())
                     model::require(static_cast<unsigned>(*v) + 1 == fresh.position(), "its place");
                 });
}

TEST_CASE("broadcast_ring that overwrites under the model: values are whole, in order, gaps counted") {
  holds(&overtaken<1>);
  holds(&overtaken<2>);
  holds(&overtaken_in_bulk);
}
TEST_CASE("broadcast_ring that overwrites under the model: a push publishes, closed comes behind the last value") {
  holds(&overwrite_publishes);
  holds(&overwrite_close);
}
TEST_CASE("broadcast_ring that overwrites under the model: readers begin at any time") { holds(&subscribe_meanwhile); }
TEST_CASE("broadcast_ring that overwrites under the model: the producer is wait-free, readers are lock-free") {
  const auto body = [] {
    lossy_of<1, pair> ring;
    auto reader = ring.subscribe();
    model::threads(
        [&] {
          (void)ring.try_push({1, 1}), (void)ring.try_push({2, 2});
        },
        [&] { (void)reader.try_pop(), (void)reader.try_pop(); });
  };
  const model::report steps = model::check(model::exhaustive{.most_thread_steps = 24}, body);
  INFO(steps.text());
  CHECK(steps.passed());
  CHECK(steps.complete);
  const model::report stopped = model::check(model::lock_freedom{.executions = 1000}, body);
  INFO(stopped.text());
  CHECK(stopped.passed());
}

}  // namespace
