// What seqlock, rcu_cell and broadcast_ring cost, counted: a change that makes one of these figures larger is slower on
// every machine.
#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

#include <frys/memory/leak_domain.hpp>
#include <frys/queue/broadcast_ring.hpp>
#include <frys/queue/rcu_cell.hpp>
#include <frys/queue/seqlock.hpp>
#include <frys/queue/stats.hpp>

namespace {

using A = frys::atomics::counting;
using frys::nth_reader;
using frys::reads;
namespace policy = frys::policy;
using with_counting = policy::atomics<A>;

// Where `f` runs as core `number`: what it does.
template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

struct first {};
struct left {};
struct right {};
struct last {};

}  // namespace

TEST_CASE("seqlock: a load writes nothing, one line travels after a store; a store is two stores and the words") {
  A::reset();
  struct four {
    std::uint64_t a, b, c, d;
  };
  frys::seqlock<four, with_counting> lock(four{1, 2, 3, 4});
  const auto load = [&] { CHECK(lock.load().d != 0); };
  const auto store = [&] { lock.store({5, 6, 7, 8}); };
  (void)on(0, store), (void)on(1, load);
  CHECK(on(1, load).text() == "6 loads, 1 fence");
  CHECK(on(2, load).text() == "6 loads, 1 fence, 1 transfer");
  CHECK(on(0, store).text() == "1 load, 6 stores, 1 fence, 1 transfer");
  CHECK(on(1, load).text() == "6 loads, 1 fence, 1 transfer");
  CHECK(on(1, [&] { lock.store_locked({1, 1, 1, 1}); }).text() == "1 load, 5 stores, 1 rmw, 1 fence, 1 transfer");
  CHECK(on(1, [&] { lock.update_locked([](four& v) { v.a = 2; }); }).text() == "6 loads, 5 stores, 1 rmw, 2 fences");
}

TEST_CASE("rcu_cell: a read is the domain's and one load; one read-modify-write replaces") {
  A::reset();
  using domain_type = frys::leak_domain<with_counting>;
  domain_type domain;
  auto seat = *domain.join();
  frys::rcu_cell<int, policy::reclaimer<domain_type>> cell(std::make_unique<int>(1));
  CHECK(on(0, [&] { CHECK(*cell.read(seat) == 1); }).text() == "1 load");
  std::unique_ptr<int> old(const_cast<int*>(cell.read(seat).get()));
  auto next = std::make_unique<int>(2);
  const A::counts replaced = on(0, [&] { CHECK(cell.replace(seat, std::move(next))); });
  CHECK(replaced.rmws == 1);
  CHECK(replaced.fences == 0);
}

TEST_CASE("broadcast_ring: with one reader it costs what spsc_ring costs") {
  A::reset();
  frys::broadcast_ring<int, policy::capacity<8>, with_counting> ring;
  auto reader = ring.reader();
  const auto push = [&] { CHECK(ring.try_push(1)); };
  const auto pop = [&] { CHECK(reader.try_pop()); };
  for (int i = 0; i < 16; ++i) (void)on(0, push), (void)on(1, pop);
  A::counts pushes, pops;
  for (int lap = 0; lap < 100; ++lap) {
    for (int i = 0; i < 8; ++i) pushes = pushes + on(0, push);
    for (int i = 0; i < 8; ++i) pops = pops + on(1, pop);
  }
  CHECK(pushes.text() == "100 loads, 800 stores, 200 transfers");  // a load of the reader's sequence once a lap
  CHECK(pops.text() == "100 loads, 800 stores, 200 transfers");
  A::counts spans;
  for (int lap = 0; lap < 100; ++lap) {
    spans = spans + on(0, [&] { ring.commit(ring.writable().size()); });
    spans = spans + on(1, [&] { reader.consume(reader.readable().size()); });
  }
  CHECK(spans.text() == "200 loads, 200 stores, 400 transfers");  // eight values for two stores
}

TEST_CASE("broadcast_ring: stats: what succeeds costs no more; what is refused, a load and a store in its own line") {
  A::reset();
  const auto cost = [](auto&& ring) {
    auto reader = ring.reader();
    struct {
      A::counts successes, full, empty;
    } all;
    for (int lap = 0; lap < 101; ++lap) {
      if (lap == 1) all = {};
      for (int i = 0; i < 8; ++i) all.successes = all.successes + on(0, [&] { CHECK(ring.try_push(1)); });
      all.full = all.full + on(0, [&] { CHECK(ring.try_push(1).is_full()); });
      for (int i = 0; i < 8; ++i) all.successes = all.successes + on(1, [&] { CHECK(reader.try_pop()); });
      all.empty = all.empty + on(1, [&] { CHECK(reader.try_pop().is_empty()); });
    }
    return all;
  };
  using counted = policy::stats<frys::stats::counted>;
  const auto plain = cost(frys::broadcast_ring<int, policy::capacity<8>, with_counting>{});
  const auto with = cost(frys::broadcast_ring<int, policy::capacity<8>, with_counting, counted>{});
  CHECK((with.successes - plain.successes).text() == "nothing");
  CHECK((with.full - plain.full).text() == "100 loads, 100 stores");
  CHECK((with.empty - plain.empty).text() == "100 loads, 100 stores");
}

TEST_CASE("broadcast_ring: a diamond polled by one thread: no read-modify-write, and nothing of its own travels") {
  A::reset();
  using graph = policy::readers<reads<first>, reads<left, first>, reads<right, first>, reads<last, first, left, right>>;
  frys::broadcast_ring<int, policy::capacity<8>, graph, with_counting> ring;
  const auto push = [&] {
    for (int i = 0; i < 8; ++i) CHECK(ring.try_push(1));
  };
  const auto take = [](auto reader) { reader.consume(reader.readable().size()); };
  const auto poll = [&] {
    take(ring.reader<first>());
    take(ring.reader<left>());
    take(ring.reader<right>());
    take(ring.reader<last>());
  };
  for (int lap = 0; lap < 2; ++lap) (void)on(0, push), (void)on(1, poll);
  A::counts pushes, polls;
  for (int lap = 0; lap < 100; ++lap) {
    pushes = pushes + on(0, push);
    polls = polls + on(1, poll);
  }
  CHECK(pushes.text() == "100 loads, 800 stores, 200 transfers");  // looks at `last` alone
  // Each reader: its own sequence twice and those of the readers before it (tail, first, first, left and right).
  CHECK(polls.text() == "500 loads, 400 stores, 200 transfers");
}

TEST_CASE("broadcast_ring that overwrites: the producer looks at nobody; readers write nothing") {
  A::reset();
  frys::broadcast_ring<std::uint64_t, policy::capacity<8>, policy::overflow<frys::overflow::overwrite>, with_counting>
      ring;
  auto reader = ring.subscribe();
  const auto push = [&] { CHECK(ring.try_push(1)); };
  const auto pop = [&] { CHECK(reader.try_pop()); };
  for (int i = 0; i < 8; ++i) (void)on(0, push), (void)on(1, pop);
  A::counts pushes, pops;
  for (int lap = 0; lap < 100; ++lap) {
    for (int i = 0; i < 8; ++i) pushes = pushes + on(0, push);
    for (int i = 0; i < 8; ++i) pops = pops + on(1, pop);
  }
  CHECK(pushes.text() == "800 loads, 3200 stores, 800 fences, 200 transfers");  // four slots a line
  CHECK(pops.text() == "2400 loads, 800 fences, 200 transfers");
}
