#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/shared_ring.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/queue/stats.hpp>

namespace {

using A = frys::atomics::counting;
using frys::policy::atomics;
using frys::policy::capacity;
static_assert(frys::atomics_model<A>);

// Where `f` runs as core `number`: what it does.
template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

constexpr unsigned producer = 0, consumer = 1, other = 2;

// A hundred laps of a queue of eight: all eight go in, one is refused; all come out, one is asked for in vain.
struct laps_cost {
  A::counts pushes, full, pops, empty;
};
template <class Queue>
laps_cost laps_of(Queue& queue) {
  laps_cost all;
  for (int lap = 0; lap < 101; ++lap) {
    if (lap == 1) all = {};
    for (int i = 0; i < 8; ++i) all.pushes = all.pushes + on(producer, [&] { CHECK(queue.try_push(1)); });
    all.full = all.full + on(producer, [&] { (void)queue.try_push(1); });
    for (int i = 0; i < 8; ++i) all.pops = all.pops + on(consumer, [&] { CHECK(queue.try_pop()); });
    all.empty = all.empty + on(consumer, [&] { (void)queue.try_pop(); });
  }
  return all;
}

}  // namespace

TEST_CASE("counting: each kind of access is counted once") {
  A::reset();
  A::atomic<std::uint32_t> word{5};
  CHECK(A::of([&] { CHECK(word.load() == 5); }).text() == "1 load");
  CHECK(A::of([&] { word.store(6); }).text() == "1 store");
  CHECK(A::of([&] { CHECK(word.exchange(7) == 6); }).text() == "1 rmw");
  CHECK(A::of([&] { CHECK(word.fetch_add(1) == 7); }).rmws == 1);
  CHECK(A::of([&] { CHECK(word.fetch_sub(1) == 8); }).rmws == 1);
  CHECK(A::of([&] { CHECK(word.fetch_or(8) == 7); }).rmws == 1);
  CHECK(A::of([&] { CHECK(word.fetch_and(3) == 15); }).rmws == 1);
  CHECK(A::of([&] { CHECK(word.fetch_xor(1) == 3); }).rmws == 1);
  std::uint32_t old = 99;
  CHECK(A::of([&] { CHECK_FALSE(word.compare_exchange_weak(old, 1)); }).text() == "1 rmw");
  CHECK(A::of([&] { CHECK(word.compare_exchange_strong(old, 1)); }).rmws == 1);
  CHECK(A::of([] { A::fence(std::memory_order_seq_cst); }).text() == "1 fence");
  CHECK(A::of([] { A::pause(), A::pause(); }).text() == "2 pauses");
  CHECK(A::of([&] { A::notify_one(word), A::notify_all(word); }).text() == "2 wakes");
  CHECK(A::of([&] { (void)A::wait(word, 77, frys::deadline::now()); }).text() == "1 wait");
  CHECK(A::of([] {}).text() == "nothing");
  int plain = 1;
  A::atomic_ref<int> ref(plain);
  CHECK(A::of([&] { ref.store(ref.load() + 1), (void)ref.fetch_add(1); }).text() == "1 load, 1 store, 1 rmw");
  CHECK(plain == 3);
}

TEST_CASE("counting: a line travels when another core had it") {
  A::reset();
  struct alignas(64) line {
    A::atomic<int> a{0}, b{0};
  } one, two;
  const auto read = [](auto& word) { return [&word] { (void)word.load(); }; };
  const auto write = [](auto& word) { return [&word] { word.store(1); }; };
  CHECK(on(0, write(one.a)).transfers == 0);  // the first touch
  CHECK(on(0, read(one.b)).transfers == 0);
  CHECK(on(1, read(one.b)).transfers == 1);  // the same line
  CHECK(on(1, read(one.a)).transfers == 0);  // both hold it now
  CHECK(on(0, read(one.a)).transfers == 0);
  CHECK(on(0, write(one.a)).transfers == 1);  // takes it from core 1
  CHECK(on(0, write(one.a)).transfers == 0);
  CHECK(on(1, write(one.b)).transfers == 1);
  CHECK(on(0, write(two.a)).transfers == 0);  // another line
  A::var<int> plain(3);
  CHECK(on(0, [&] { plain.ref() = 4; }).text() == "nothing");
  CHECK(on(1, [&] { CHECK(plain.get() == 4); }).text() == "1 transfer");
}

TEST_CASE("counting: named operations add up, over threads too") {
  A::reset();
  A::atomic<int> word{0};
  const auto bump = [&] {
    const A::operation named("bump");
    word.fetch_add(1);
    const A::operation inner("look");
    (void)word.load();
  };
  bump();
  std::thread(bump).join();
  CHECK(A::counted("bump").calls == 2);
  CHECK(A::counted("bump").sum.rmws == 2);
  CHECK(A::counted("bump").sum.loads == 2);
  CHECK(A::counted("bump").sum.transfers == 1);  // the threads are two cores
  CHECK(A::counted("look").sum.rmws == 0);
  CHECK(A::counted("nothing").calls == 0);
  A::reset();
  CHECK(A::counted("bump").calls == 0);
}

// What the queues cost. A change that makes one of these figures larger is a slower queue on every machine.

// [region cost]
TEST_CASE("spsc_ring: no read-modify-write, no fence; a look at the other side only when our copy of it is used up") {
  A::reset();
  frys::spsc_ring<int, capacity<8>, atomics<A>> ring;
  const auto push = [&] { CHECK(ring.try_push(1)); };
  const auto pop = [&] { CHECK(ring.try_pop()); };
  for (int i = 0; i < 16; ++i) (void)on(producer, push), (void)on(consumer, pop);  // both have seen both
  A::counts pushes, pops;
  for (int i = 0; i < 80; ++i) {  // one element at a time: the tail's line goes over and comes back
    pushes = pushes + on(producer, push);
    pops = pops + on(consumer, pop);
  }
  CHECK(pushes.text() == "10 loads, 80 stores, 90 transfers");
  CHECK(pops.text() == "80 loads, 80 stores, 90 transfers");
  pushes = pops = {};
  for (int lap = 0; lap < 100; ++lap) {  // eight at a time
    for (int i = 0; i < 8; ++i) pushes = pushes + on(producer, push);
    for (int i = 0; i < 8; ++i) pops = pops + on(consumer, pop);
  }
  CHECK(pushes.text() == "100 loads, 800 stores, 200 transfers");  // a load of the other index once a lap
  CHECK(pops.text() == "100 loads, 800 stores, 200 transfers");
}
// [endregion cost]

TEST_CASE("spsc_ring: a capacity of the run time, and of two processes, costs no atomic access more") {
  A::reset();
  auto made = frys::spsc_ring<int, frys::policy::capacity<frys::policy::dynamic>, atomics<A>>::make(8);
  REQUIRE(made);
  alignas(4096) static std::byte memory[4096];
  using shared = frys::shared_ring<frys::spsc_ring<int, capacity<8>, atomics<A>>>;
  auto between = shared::create(memory);
  REQUIRE(between);
  const auto cost = [](auto& ring) {
    A::counts all;
    for (int lap = 0; lap < 101; ++lap) {
      if (lap == 1) all = {};
      for (int i = 0; i < 8; ++i) all = all + on(producer, [&] { CHECK(ring.try_push(1)); });
      for (int i = 0; i < 8; ++i) all = all + on(consumer, [&] { CHECK(ring.try_pop()); });
    }
    return all;
  };
  frys::spsc_ring<int, capacity<8>, atomics<A>> fixed;
  const auto of_fixed = cost(fixed), of_dynamic = cost(*made), of_shared = cost(**between);
  CHECK(of_dynamic.loads == of_fixed.loads);
  CHECK(of_dynamic.stores == of_fixed.stores);
  CHECK(of_dynamic.rmws + of_dynamic.fences == 0);
  CHECK(of_shared.loads == of_fixed.loads);
  CHECK(of_shared.stores == of_fixed.stores);
  CHECK(of_shared.rmws + of_shared.fences == 0);
}

TEST_CASE("spsc_ring that overwrites: no read-modify-write; one fence a push and one a pop") {
  A::reset();
  frys::spsc_ring<int, capacity<8>, frys::policy::overflow<frys::overflow::overwrite>, atomics<A>> ring;
  const auto push = [&] { CHECK(ring.try_push(1)); };
  const auto pop = [&] { CHECK(ring.try_pop()); };
  const auto pushed = on(producer, push), popped = on(consumer, pop);
  CHECK(pushed.text() == "2 loads, 4 stores, 1 fence");  // the flag and the tail; two turns, the word, the tail
  CHECK(popped.loads == 3);
  CHECK(popped.stores == 0);
  CHECK(popped.fences == 1);
}

TEST_CASE("stats: one thread at an end counts by a load and a store in its own line; what succeeds costs no more") {
  A::reset();
  using counts = frys::policy::stats<frys::stats::counted>;
  const auto more = [](const A::counts& counted, const A::counts& plain) { return (counted - plain).text(); };
  const std::string nothing = A::counts{}.text();
  const auto check = [&](const laps_cost& plain, const laps_cost& counted, const char* a_pop,
                         const char* in_vain = "100 loads, 100 stores") {
    CHECK(more(counted.pushes, plain.pushes) == nothing);
    CHECK(more(counted.full, plain.full) == "100 loads, 100 stores");
    CHECK(more(counted.pops, plain.pops) == a_pop);
    CHECK(more(counted.empty, plain.empty) == in_vain);
  };
  {
    frys::spsc_ring<int, capacity<8>, atomics<A>> plain;
    frys::spsc_ring<int, capacity<8>, atomics<A>, counts> counted;
    check(laps_of(plain), laps_of(counted), nothing.c_str());
  }
  {
    using niche = frys::policy::niche<-1>;
    frys::spsc_ring<int, capacity<8>, niche, atomics<A>> plain;
    frys::spsc_ring<int, capacity<8>, niche, atomics<A>, counts> counted;
    check(laps_of(plain), laps_of(counted), nothing.c_str());
  }
  {
    using lazy = frys::policy::publish<frys::publish::lazy>;
    frys::spsc_ring<int, capacity<8>, lazy, atomics<A>> plain;
    frys::spsc_ring<int, capacity<8>, lazy, atomics<A>, counts> counted;
    check(laps_of(plain), laps_of(counted), "800 stores");
  }
  const auto one_by_one = [](auto& queue) {
    laps_cost all;
    for (int i = 0; i < 100; ++i) {
      all.pushes = all.pushes + on(producer, [&] { CHECK(queue.try_push(1)); });
      all.pops = all.pops + on(consumer, [&] { CHECK(queue.try_pop()); });
      all.empty = all.empty + on(consumer, [&] { CHECK(queue.try_pop().is_empty()); });
    }
    all.full = {.loads = 100, .stores = 100};  // nobody is told full
    return all;
  };
  {
    using overwrites = frys::policy::overflow<frys::overflow::overwrite>;
    frys::spsc_ring<int, capacity<8>, overwrites, atomics<A>> plain;
    frys::spsc_ring<int, capacity<8>, overwrites, atomics<A>, counts> counted;
    laps_cost without = one_by_one(plain);
    without.full = {};
    check(without, one_by_one(counted), "200 stores", "100 loads, 300 stores");  // what was missed, too
  }
  {
    frys::mpsc_queue<int, capacity<32>, atomics<A>> plain;
    frys::mpsc_queue<int, capacity<32>, atomics<A>, counts> counted;
    laps_cost without = one_by_one(plain), with = one_by_one(counted);
    without.full = {};
    // Which lines travel, depends on where the heap has the segments.
    without.pushes.transfers = without.pops.transfers = without.empty.transfers = 0;
    with.pushes.transfers = with.pops.transfers = with.empty.transfers = 0;
    check(without, with, "100 stores");
  }
}

TEST_CASE("mpmc_ring: one compare-exchange and one store each way, no fence, no look at the other's index") {
  A::reset();
  frys::mpmc_ring<int, capacity<16>, atomics<A>> ring;
  const auto push = [&] { CHECK(ring.try_push(1)); };
  const auto pop = [&] { CHECK(ring.try_pop()); };
  A::counts pushes, pops;
  for (int lap = 0; lap < 101; ++lap) {
    if (lap == 1) pushes = pops = {};
    for (int i = 0; i < 16; ++i) pushes = pushes + on(producer, push);
    for (int i = 0; i < 16; ++i) pops = pops + on(consumer, pop);
  }
  CHECK(pushes.text() == "3200 loads, 1600 stores, 1600 rmws, 400 transfers");  // two lines of slots, there and back
  CHECK(pops.text() == "3200 loads, 1600 stores, 1600 rmws, 400 transfers");
  const auto contended = on(other, push);
  CHECK(contended.rmws == 1);
  CHECK(contended.transfers == 4);  // the tail and the slot's line, each to read and to write
}

TEST_CASE("mpmc_ring: several at once take their places by one compare-exchange") {
  A::reset();
  frys::mpmc_ring<int, capacity<16>, atomics<A>> ring;
  int values[8] = {};
  const auto push = [&] { CHECK(ring.push_some(values) == 8); };
  const auto pop = [&] { CHECK(ring.pop_some(values) == 8); };
  CHECK(on(producer, push).text() == "9 loads, 8 stores, 1 rmw");
  const auto popped = on(consumer, pop);
  CHECK(popped.rmws == 1);
  CHECK(popped.stores == 8);
  CHECK(popped.transfers == 2);  // the line of slots, to read and to write
}

TEST_CASE("mpmc_ring: who waits at an empty or a full ring leaves the other side's lines alone") {
  A::reset();
  frys::mpmc_ring<int, capacity<16>, atomics<A>> ring;
  const auto push = [&] { CHECK(ring.try_push(1)); };
  for (int i = 0; i < 3; ++i) (void)on(producer, push);
  for (int i = 0; i < 3; ++i) (void)on(consumer, [&] { CHECK(ring.try_pop()); });
  const auto look = [&] { CHECK(ring.try_pop().is_empty()); };
  (void)on(consumer, look);
  CHECK(on(consumer, look).text() == "4 loads");  // the head twice, the slot, the flag of close
  CHECK(on(producer, push).transfers <= 2);       // the slot's line; the tail's is where it was
  while (ring.try_push(1)) {
  }
  const auto refused = [&] { CHECK(ring.try_push(1).is_full()); };
  (void)on(producer, refused);
  CHECK(on(producer, refused).text() == "3 loads");
}

TEST_CASE("mpsc_queue: one read-modify-write a push, none a pop, five a segment; nothing allocated") {
  A::reset();
  frys::mpsc_queue<int, capacity<32>, atomics<A>> queue;
  const auto push = [&] { CHECK(queue.try_push(1)); };
  const auto pop = [&] { CHECK(queue.try_pop()); };
  for (int i = 0; i < 321; ++i) (void)on(producer, push), (void)on(consumer, pop);
  const std::size_t segments = queue.segments();
  A::counts pushes, pops;
  for (int i = 0; i < 320; ++i) {
    pushes = pushes + on(producer, push);
    pops = pops + on(consumer, pop);
  }
  CHECK(queue.segments() == segments);
  pushes.transfers = pops.transfers = 0;
  CHECK(pushes.text() == "800 loads, 370 stores, 360 rmws");
  CHECK(pops.text() == "360 loads, 20 stores, 10 rmws");
}

TEST_CASE("intrusive_mpsc_queue: one read-modify-write a push, none a pop of many") {
  struct node {
    node* next = nullptr;
  } nodes[8];
  A::reset();
  frys::intrusive_mpsc_queue<node, atomics<A>> queue;
  A::counts pushes, pops;
  for (node& n : nodes) pushes = pushes + on(producer, [&] { (void)queue.push(n); });
  for (int i = 0; i < 7; ++i) pops = pops + on(consumer, [&] { CHECK(queue.pop() != nullptr); });
  CHECK(pushes.rmws == 8);
  CHECK(pushes.stores == 16);
  CHECK(pops.rmws == 0);
  CHECK(pops.fences == 0);
}
