#include <frys/queue/broadcast_ring.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using frys::broadcast_ring;
using frys::nth_reader;
using frys::push_result;
using frys::reads;
namespace policy = frys::policy;

namespace {
struct journal {};
struct replicate {};
struct apply {};
using diamond = policy::readers<reads<journal>, reads<replicate, journal>, reads<apply, journal>,
                                reads<nth_reader<9>, journal, replicate, apply>>;
using lossy = policy::overflow<frys::overflow::overwrite>;
template <std::size_t N>
using independent = policy::independent_readers<N>;
}  // namespace

TEST_CASE("broadcast_ring: every reader sees every value, in order, through many laps") {
  broadcast_ring<int, policy::capacity<4>, independent<3>> ring;
  auto a = ring.reader<nth_reader<0>>();
  auto b = ring.reader<nth_reader<1>>();
  auto c = ring.reader<nth_reader<2>>();
  int in = 0, out = 0;
  for (int round = 0; round < 500; ++round) {
    for (int i = 0; i < round % 5; ++i) REQUIRE(ring.try_push(in++));
    CHECK(ring.size_hint() == static_cast<std::size_t>(round % 5));
    for (int i = 0; i < round % 5; ++i) {
      REQUIRE(*a.try_pop() == out + i);
      REQUIRE(*b.front() == out + i);
      REQUIRE(b.pop_front());
      REQUIRE(*c.try_pop() == out + i);
    }
    out += round % 5;
    CHECK(a.try_pop().is_empty());
    CHECK(b.front() == nullptr);
    CHECK_FALSE(b.pop_front());
    CHECK(c.readable().empty());
  }
  CHECK(in == out);
}

TEST_CASE("broadcast_ring: independent readers have one type, and are found by number") {
  broadcast_ring<int, policy::capacity<4>, independent<64>> ring;
  CHECK(std::is_same_v<decltype(ring.reader(0)), decltype(ring.reader<nth_reader<63>>())>);
  int in = 0, out = 0;
  for (std::size_t lap = 0; lap < 64; ++lap) {
    for (int i = 0; i < 3; ++i) REQUIRE(ring.try_push(in++));
    CHECK(ring.size_hint() == 3);
    for (std::size_t r = lap; r < 64; ++r) {  // one fewer each lap
      const auto reader = ring.reader(r);
      REQUIRE(*reader.front() == out);
      REQUIRE(reader.pop_front());
      REQUIRE(*ring.reader(r).try_pop() == out + 1);  // a handle is no more than a name
      REQUIRE(reader.readable().size() == 1);
      REQUIRE(reader.readable()[0] == out + 2);
      reader.consume(1);
      REQUIRE(reader.try_pop().is_empty());
    }
    out += 3;
    ring.reader(lap).leave();
    CHECK(ring.reader(lap).try_pop().is_closed());
    CHECK(ring.reader(lap).is_drained());
  }
  push_result last = push_result::ok;
  for (int i = 0; i < 10 && last; ++i) last = ring.try_push(0);
  CHECK(last.is_closed());
}

TEST_CASE("broadcast_ring: a number is the place of the reader with that name") {
  broadcast_ring<int, policy::capacity<4>, policy::readers<reads<journal>, reads<apply>>> ring;
  REQUIRE(ring.try_push(1));
  CHECK(ring.reader(1).pop_front());
  CHECK(ring.reader<apply>().try_pop().is_empty());
  CHECK(*ring.reader<journal>().try_pop() == 1);
  CHECK(ring.reader(0).try_pop().is_empty());
}

namespace {
template <class Ring>
constexpr bool has_numbers = requires(Ring& r) {
  r.reader(0);
};
}  // namespace

TEST_CASE("broadcast_ring: readers of a graph have no number, because they differ in type") {
  CHECK(has_numbers<broadcast_ring<int>>);
  CHECK(has_numbers<broadcast_ring<int, independent<2>>>);
  CHECK_FALSE(has_numbers<broadcast_ring<int, diamond>>);
  CHECK_FALSE(has_numbers<broadcast_ring<int, lossy>>);
}

TEST_CASE("broadcast_ring: all slots are usable; the slowest reader holds the producer back") {
  broadcast_ring<std::unique_ptr<int>, policy::capacity<2>, independent<2>> ring;
  auto a = ring.reader<nth_reader<0>>();
  auto b = ring.reader<nth_reader<1>>();
  REQUIRE(ring.try_push(std::make_unique<int>(1)));
  REQUIRE(ring.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  CHECK(ring.try_push(std::move(third)) == push_result::full);
  REQUIRE(third != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(**a.front() == 1);
  CHECK(a.pop_front());
  CHECK(a.pop_front());
  CHECK(ring.try_push(std::move(third)).is_full());
  CHECK(**b.front() == 1);
  CHECK(b.pop_front());
  CHECK(ring.try_push(std::move(third)));
  CHECK(**a.front() == 3);
  CHECK(**b.front() == 2);
}

TEST_CASE("broadcast_ring: a ring of one slot, and the reader of a ring of one") {
  broadcast_ring<std::string, policy::capacity<1>> ring;
  auto reader = ring.reader();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ring.try_emplace("a string that does not fit inside, number " + std::to_string(i)));
    CHECK(ring.try_push("no").is_full());
    REQUIRE(reader.front() != nullptr);  // a string's copy may throw, so there is no try_pop
    CHECK(*reader.front() == "a string that does not fit inside, number " + std::to_string(i));
    CHECK(reader.pop_front());
    CHECK_FALSE(reader.pop_front());
  }
}

TEST_CASE("broadcast_ring: each value is destroyed once, when its slot is used again or the ring ends") {
  auto alive = std::make_shared<int>(0);
  {
    broadcast_ring<std::shared_ptr<int>, policy::capacity<4>> ring;
    auto reader = ring.reader();
    for (int i = 0; i < 11; ++i) {
      REQUIRE(ring.try_push(alive));
      CHECK(alive.use_count() == 1 + (i < 4 ? i + 1 : 4));
      if (i < 9) CHECK(reader.pop_front());
    }
    CHECK(ring.size_hint() == 2);
  }
  CHECK(alive.use_count() == 1);
  {
    broadcast_ring<std::shared_ptr<int>, policy::capacity<4>> ring;
    REQUIRE(ring.try_push(alive));
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("broadcast_ring: after close each reader gets what is left, then closed; the producer gets closed") {
  broadcast_ring<int, policy::capacity<4>, policy::readers<reads<journal>, reads<apply, journal>>> ring;
  auto first = ring.reader<journal>();
  auto second = ring.reader<apply>();
  REQUIRE(ring.try_push(1));
  REQUIRE(ring.try_push(2));
  CHECK_FALSE(first.is_drained());
  ring.close();
  ring.close();
  CHECK(ring.try_push(3).is_closed());
  CHECK(ring.writable().empty());
  int one = 5;
  CHECK(ring.push_some({&one, 1}) == 0);
  CHECK(*first.try_pop() == 1);
  CHECK(*second.try_pop() == 1);
  CHECK(second.try_pop().is_empty());  // the value is with the reader before it
  CHECK_FALSE(second.is_drained());
  CHECK(*first.try_pop() == 2);
  CHECK(first.try_pop().is_closed());
  CHECK(first.is_drained());
  CHECK_FALSE(second.is_drained());
  CHECK(*second.try_pop() == 2);
  CHECK(second.try_pop().is_closed());
  CHECK(second.is_drained());
}

TEST_CASE("broadcast_ring: a reader gets a value only when those before it are done with it") {
  broadcast_ring<int, policy::capacity<8>, diamond> ring;
  auto j = ring.reader<journal>();
  auto r = ring.reader<replicate>();
  auto a = ring.reader<apply>();
  auto last = ring.reader<nth_reader<9>>();
  for (int i = 0; i < 3; ++i) REQUIRE(ring.try_push(i));
  CHECK(r.try_pop().is_empty());
  CHECK(a.try_pop().is_empty());
  CHECK(last.try_pop().is_empty());
  CHECK(j.readable().size() == 3);
  j.consume(2);
  CHECK(r.readable().size() == 2);
  CHECK(a.readable().size() == 2);
  CHECK(last.readable().empty());
  r.consume(2);
  CHECK(last.readable().empty());
  a.consume(1);
  CHECK(last.readable().size() == 1);
  CHECK(*last.try_pop() == 0);
  CHECK(last.try_pop().is_empty());
  CHECK(ring.size_hint() == 2);
}

TEST_CASE("broadcast_ring: the graph is reduced to what must be looked at") {
  using graph = diamond::type;
  CHECK(graph::direct(0) == 0);
  CHECK(graph::direct(1) == 1);
  CHECK(graph::direct(2) == 1);
  CHECK(graph::direct(3) == 6);  // journal is before both already
  CHECK(graph::last() == 8);
  CHECK(independent<64>::type::last() == ~std::uint64_t{0});
  using chain = policy::readers<reads<journal>, reads<replicate, journal>, reads<apply, journal, replicate>>::type;
  CHECK(chain::direct(2) == 2);
  CHECK(chain::last() == 4);
}

TEST_CASE("broadcast_ring: nobody waits for a reader that has left; all gone closes the ring") {
  broadcast_ring<int, policy::capacity<2>,
                 policy::readers<reads<journal>, reads<replicate, journal>, reads<apply, replicate>>>
      ring;
  auto j = ring.reader<journal>();
  auto r = ring.reader<replicate>();
  auto a = ring.reader<apply>();
  REQUIRE(ring.try_push(1));
  REQUIRE(ring.try_push(2));
  r.leave();
  CHECK(r.try_pop().is_closed());
  CHECK(r.is_drained());
  CHECK(r.readable().empty());
  CHECK(r.front() == nullptr);
  CHECK(a.try_pop().is_empty());  // now it follows journal
  CHECK(*j.try_pop() == 1);
  CHECK(*a.try_pop() == 1);
  CHECK(a.try_pop().is_empty());
  CHECK(ring.try_push(3));
  CHECK(ring.try_push(4).is_full());
  a.leave();
  CHECK(ring.try_push(4).is_full());  // journal is still there
  j.leave();
  CHECK(ring.size_hint() == 0);
  push_result last = push_result::ok;
  for (int i = 0; i < 10 && last; ++i) last = ring.try_push(5);
  CHECK(last.is_closed());
  CHECK(ring.writable().empty());
}

TEST_CASE("broadcast_ring: a reader behind the first that leaves follows the producer") {
  broadcast_ring<int, policy::capacity<4>, policy::readers<reads<journal>, reads<apply, journal>>> ring;
  auto a = ring.reader<apply>();
  REQUIRE(ring.try_push(1));
  CHECK(a.try_pop().is_empty());
  ring.reader<journal>().leave();
  CHECK(*a.try_pop() == 1);
  CHECK(a.try_pop().is_empty());
  ring.close();
  CHECK(a.try_pop().is_closed());
}

TEST_CASE("broadcast_ring: spans and bulk move many, in order, over the end of the memory") {
  broadcast_ring<int, policy::capacity<8>> ring;
  auto reader = ring.reader();
  auto space = ring.writable();
  REQUIRE(space.size() == 8);
  std::iota(space.begin(), space.end(), 0);
  ring.commit(6);
  auto values = reader.readable(4);
  REQUIRE(values.size() == 4);
  CHECK(values[3] == 3);
  reader.consume(4);
  space = ring.writable();
  CHECK(space.size() == 2);  // to the end of the memory
  ring.commit(2);
  space = ring.writable(100);
  CHECK(space.size() == 4);  // what was passed
  ring.commit(0);
  CHECK(reader.readable().size() == 4);
  std::array<int, 11> more;
  std::iota(more.begin(), more.end(), 8);
  CHECK(ring.push_some(more) == 4);
  int next = 4;
  for (auto part = reader.readable(); !part.empty(); part = reader.readable()) {
    for (const int v : part) CHECK(v == next++);
    reader.consume(part.size());
  }
  CHECK(next == 12);
}

TEST_CASE("broadcast_ring: each side writes lines of its own") {
  using ring = broadcast_ring<std::uint64_t, policy::capacity<64>, independent<2>>;
  CHECK(alignof(ring) == 2 * frys::cache_line);
  CHECK(sizeof(ring) == 6 * 2 * frys::cache_line + 64 * sizeof(std::uint64_t));
}

// --- the form that overwrites.

TEST_CASE("broadcast_ring that overwrites: a reader that keeps up loses nothing") {
  broadcast_ring<int, policy::capacity<4>, lossy> ring;
  auto reader = ring.subscribe();
  int in = 0, out = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 5; ++i) REQUIRE(ring.try_push(in++));
    for (auto v = reader.try_pop(); v; v = reader.try_pop()) REQUIRE(*v == out++);
  }
  CHECK(in == out);
  CHECK(reader.missed() == 0);
}

TEST_CASE("broadcast_ring that overwrites: a reader that was overtaken learns how many values it has lost") {
  broadcast_ring<std::uint64_t, policy::capacity<8>, lossy> ring;
  auto reader = ring.subscribe();
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(ring.try_push(i));
  // The newest in our slot is 96; three quarters of the ring stay before us.
  auto value = reader.try_pop();
  REQUIRE(value);
  CHECK(reader.missed() == *value);
  CHECK(*value >= 91);
  CHECK(reader.position() == *value + 1);
  std::uint64_t next = *value;
  while ((value = reader.try_pop())) CHECK(*value == ++next);
  CHECK(next == 99);
  const std::uint64_t lost = reader.missed();
  CHECK(ring.try_push(100));
  CHECK(*reader.try_pop() == 100);
  CHECK(reader.missed() == lost);
}

TEST_CASE("broadcast_ring that overwrites: a ring of one slot holds the newest value") {
  broadcast_ring<int, policy::capacity<1>, lossy> ring;
  auto reader = ring.subscribe();
  for (int i = 0; i < 5; ++i) REQUIRE(ring.try_push(i));
  CHECK(*reader.try_pop() == 4);
  CHECK(reader.missed() == 4);
  CHECK(reader.try_pop().is_empty());
}

TEST_CASE("broadcast_ring that overwrites: readers begin where they ask to, copies read the same again") {
  broadcast_ring<int, policy::capacity<4>, lossy> ring;
  CHECK(ring.subscribe_oldest().try_pop().is_empty());
  for (int i = 0; i < 6; ++i) REQUIRE(ring.try_push(i));
  auto fresh = ring.subscribe();
  auto old = ring.subscribe_oldest();
  CHECK(fresh.try_pop().is_empty());
  auto again = old;
  CHECK(*old.try_pop() == 2);
  CHECK(*again.try_pop() == 2);
  CHECK(ring.try_push(6));
  CHECK(*fresh.try_pop() == 6);
}

TEST_CASE("broadcast_ring that overwrites: bulk reads have no gap inside") {
  broadcast_ring<std::uint64_t, policy::capacity<8>, lossy> ring;
  auto reader = ring.subscribe();
  std::array<std::uint64_t, 5> in;
  std::uint64_t pushed = 0, expected = 0, missed = 0, taken = 0;
  for (std::uint64_t round = 0; round < 50; ++round) {
    for (auto& v : in) v = pushed++;
    CHECK(ring.push_some(in) == 5);
    if (round % 3 != 0) continue;
    std::array<std::uint64_t, 3> out;
    for (std::size_t n; (n = reader.pop_some(out)) != 0;) {
      expected += reader.missed() - missed;
      missed = reader.missed();
      for (std::size_t i = 0; i < n; ++i) CHECK(out[i] == expected++);
      taken += n;
    }
  }
  CHECK(missed > 0);
  CHECK(taken + missed == reader.position());
}

TEST_CASE("broadcast_ring that overwrites: after close the readers get what is left, then closed") {
  broadcast_ring<int, policy::capacity<4>, lossy> ring;
  auto reader = ring.subscribe();
  REQUIRE(ring.try_push(1));
  ring.close();
  int two = 2;
  CHECK(ring.try_push(two).is_closed());
  CHECK(ring.push_some({&two, 1}) == 0);
  CHECK_FALSE(reader.is_drained());
  CHECK(*reader.try_pop() == 1);
  CHECK(reader.try_pop().is_closed());
  CHECK(reader.is_drained());
}

// --- real threads.

namespace {
// A producer and `Readers` readers, a thread each; sums and order are checked.
template <std::size_t Capacity, class Readers, class... Names>
void stream(std::uint64_t count) {
  auto ring = std::make_unique<broadcast_ring<std::uint64_t, policy::capacity<Capacity>, Readers>>();
  std::atomic<int> fine{0};
  const auto read = [&](auto reader) {
    std::uint64_t next = 0;
    bool ordered = true;
    for (;;) {
      if (next % 3 == 0) {  // both ways of reading
        const auto values = reader.readable(7);
        for (const std::uint64_t v : values) ordered = ordered && v == next++;
        reader.consume(values.size());
        if (!values.empty()) continue;
      }
      auto v = reader.try_pop();
      if (v)
        ordered = ordered && *v == next++;
      else if (v.is_closed())
        break;
      else
        std::this_thread::yield();
    }
    if (ordered && next == count) ++fine;
  };
  std::vector<std::thread> threads;
  (threads.emplace_back([&] { read(ring->template reader<Names>()); }), ...);
  for (std::uint64_t i = 0; i < count;) {
    if (ring->try_push(i))
      ++i;
    else
      std::this_thread::yield();
  }
  ring->close();
  for (auto& t : threads) t.join();
  CHECK(fine.load() == static_cast<int>(sizeof...(Names)));
}
}  // namespace

TEST_CASE("broadcast_ring: two threads, few and many slots") {
  stream<1, independent<1>, nth_reader<0>>(2'000);
  stream<4, independent<1>, nth_reader<0>>(20'000);
  stream<1024, independent<1>, nth_reader<0>>(200'000);
}
TEST_CASE("broadcast_ring: a diamond, five threads") {
  stream<16, diamond, journal, replicate, apply, nth_reader<9>>(20'000);
}
TEST_CASE("broadcast_ring: eight threads on whatever cores there are") {
  stream<64, independent<7>, nth_reader<0>, nth_reader<1>, nth_reader<2>, nth_reader<3>, nth_reader<4>, nth_reader<5>,
         nth_reader<6>>(20'000);
}

TEST_CASE("broadcast_ring: what a reader writes elsewhere is known to the readers after it") {
  broadcast_ring<int, policy::capacity<8>, policy::readers<reads<journal>, reads<apply, journal>>> ring;
  constexpr int count = 5'000;
  std::vector<int> written(count, 0);
  std::thread first([&] {
    auto reader = ring.reader<journal>();
    for (int i = 0; i < count;) {
      if (const int* v = reader.front()) {
        written[static_cast<std::size_t>(*v)] = *v + 1;
        reader.pop_front();
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  bool fine = true;
  std::thread second([&] {
    auto reader = ring.reader<apply>();
    for (int i = 0; i < count;) {
      if (auto v = reader.try_pop()) {
        fine = fine && written[static_cast<std::size_t>(*v)] == *v + 1;
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (int i = 0; i < count;) {
    if (ring.try_push(i))
      ++i;
    else
      std::this_thread::yield();
  }
  first.join();
  second.join();
  CHECK(fine);
}

namespace {
void lossy_stream(int readers, std::uint64_t count) {
  struct twice {
    std::uint64_t a, b;
  };
  broadcast_ring<twice, policy::capacity<16>, lossy> ring;
  std::atomic<int> fine{0};
  std::vector<std::thread> threads;
  for (int r = 0; r < readers; ++r)
    threads.emplace_back([&, reader = ring.subscribe()]() mutable {
      std::uint64_t next = 0, missed = 0, taken = 0;
      bool good = true;
      for (;;) {
        auto v = reader.try_pop();
        if (v) {
          next += reader.missed() - missed;
          missed = reader.missed();
          good = good && v->a == v->b && v->a == next++;
          ++taken;
        } else if (v.is_closed()) {
          break;
        } else {
          std::this_thread::yield();
        }
      }
      if (good && taken + missed == count) ++fine;
    });
  for (std::uint64_t i = 0; i < count; ++i) {
    REQUIRE(ring.try_push({i, i}));
    if (i % 16 == 0) std::this_thread::yield();
  }
  ring.close();
  for (auto& t : threads) t.join();
  CHECK(fine.load() == readers);
}
}  // namespace

TEST_CASE("broadcast_ring that overwrites: two threads: whole values in order, gaps counted exactly") {
  lossy_stream(1, 100'000);
}
TEST_CASE("broadcast_ring that overwrites: eight threads on whatever cores there are") { lossy_stream(7, 20'000); }

TEST_CASE("broadcast_ring: both atomics models fill the slot, named or by a world") {
  struct world {
    using atomics = frys::atomics::tsan;
  };
  broadcast_ring<int, policy::atomics<frys::atomics::real>, policy::capacity<2>> a;
  broadcast_ring<int, policy::world<world>> b;
  CHECK(std::is_same_v<decltype(b)::atomics_type, frys::atomics::tsan>);
  CHECK(a.try_push(1));
  CHECK(b.try_push(1));
  CHECK(*a.reader().try_pop() == *b.reader().try_pop());
}
