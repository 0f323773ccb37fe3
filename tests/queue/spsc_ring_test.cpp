#include <frys/queue/spsc_ring.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using frys::push_result;
using frys::spsc_ring;
namespace policy = frys::policy;

// The forms that the policies make, all with room for N.
template <std::size_t N>
using plain = spsc_ring<int, policy::capacity<N>>;
template <std::size_t N>
using lazy = frys::high_throughput_ring<int, N>;
template <std::size_t N>
using scattered = spsc_ring<int, policy::capacity<N>, policy::layout<frys::layout::scattered>>;
template <std::size_t N>
using marked = spsc_ring<int, policy::niche<-1>, policy::capacity<N>>;
template <std::size_t N>
using quick = frys::low_latency_ring<int, -1, N>;
#define EVERY_RING(n) plain<n>, lazy<n>, scattered<n>, marked<n>, quick<n>

TEST_CASE_TEMPLATE("spsc_ring: values come out in the order they went in, through many laps", R, EVERY_RING(4)) {
  R ring;
  int in = 0, out = 0;
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < round % 5; ++i) REQUIRE(ring.try_push(in++));
    CHECK(ring.size_hint() == static_cast<std::size_t>(round % 5));
    while (auto v = ring.try_pop()) REQUIRE(*v == out++);
  }
  CHECK(in == out);
}

TEST_CASE("spsc_ring: all slots are usable, a full ring refuses the push and leaves the value alone") {
  spsc_ring<std::unique_ptr<int>, policy::capacity<2>> ring;
  REQUIRE(ring.try_push(std::make_unique<int>(1)));
  REQUIRE(ring.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  CHECK(ring.try_push(std::move(third)) == push_result::full);
  REQUIRE(third != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(**ring.try_pop() == 1);
  CHECK(ring.try_push(std::move(third)));
  CHECK(**ring.try_pop() == 2);
  CHECK(**ring.try_pop() == 3);
  CHECK(ring.try_pop().is_empty());
}

TEST_CASE("spsc_ring: a ring of one slot works") {
  spsc_ring<std::string, policy::capacity<1>> ring;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ring.try_emplace("a string that does not fit inside, number " + std::to_string(i)));
    CHECK(ring.try_push("no").is_full());
    CHECK(*ring.try_pop() == "a string that does not fit inside, number " + std::to_string(i));
    CHECK(ring.try_pop().is_empty());
  }
}

TEST_CASE("spsc_ring: destroys each value once, also those never popped") {
  auto alive = std::make_shared<int>(0);
  {
    spsc_ring<std::shared_ptr<int>, policy::capacity<8>> ring;
    for (int lap = 0; lap < 3; ++lap)
      for (int i = 0; i < 5; ++i) {
        REQUIRE(ring.try_push(alive));
        if (lap < 2) CHECK(ring.try_pop());
      }
    CHECK(alive.use_count() == 6);
    CHECK(ring.pop_front());
    CHECK(alive.use_count() == 5);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE_TEMPLATE("spsc_ring: after close the consumer gets what is left, then closed; the producer gets closed", R,
                   EVERY_RING(4)) {
  R ring;
  REQUIRE(ring.try_push(1));
  REQUIRE(ring.try_push(2));
  CHECK_FALSE(ring.is_drained());
  ring.close();
  ring.close();
  CHECK(ring.try_push(3).is_closed());
  CHECK_FALSE(ring.is_drained());
  CHECK(*ring.try_pop() == 1);
  CHECK(*ring.try_pop() == 2);
  CHECK(ring.try_pop().is_closed());
  CHECK(ring.is_drained());
  if constexpr (R::has_spans) {
    CHECK(ring.readable().empty());
    CHECK(ring.writable().empty());
  }
  CHECK(ring.front() == nullptr);
}

TEST_CASE_TEMPLATE("spsc_ring: an abandoned ring answers closed at the latest when it is full", R, EVERY_RING(2)) {
  R ring;
  ring.abandon();
  push_result last = push_result::ok;
  int pushes = 0;
  while (last && pushes < 10) last = (++pushes, ring.try_push(1));
  CHECK(last.is_closed());
  CHECK(pushes <= 3);
}

TEST_CASE("spsc_ring: front shows the oldest value where it lies until pop_front") {
  spsc_ring<std::string, policy::capacity<4>> ring;
  CHECK(ring.front() == nullptr);
  CHECK_FALSE(ring.pop_front());
  REQUIRE(ring.try_push("first"));
  REQUIRE(ring.try_push("second"));
  REQUIRE(ring.front() != nullptr);
  CHECK(*ring.front() == "first");
  CHECK(*ring.front() == "first");
  CHECK(ring.pop_front());
  CHECK(*ring.front() == "second");
}

TEST_CASE("spsc_ring: push_some and pop_some move as many as fit, in order, over the end of the memory") {
  spsc_ring<std::unique_ptr<int>, policy::capacity<8>> ring;
  int in = 0, out = 0;
  for (int round = 0; round < 50; ++round) {
    std::array<std::unique_ptr<int>, 11> batch;
    for (auto& p : batch) p = std::make_unique<int>(in++);
    const std::size_t pushed = ring.push_some(batch);
    in -= static_cast<int>(batch.size() - pushed);
    CHECK(pushed <= 8);
    for (std::size_t i = 0; i < batch.size(); ++i) CHECK((batch[i] == nullptr) == (i < pushed));
    std::array<std::unique_ptr<int>, 5> taken;
    const std::size_t n = ring.pop_some(taken);
    CHECK(n == 5);
    for (std::size_t i = 0; i < n; ++i) CHECK(*taken[i] == out++);
  }
  std::array<std::unique_ptr<int>, 8> rest;
  CHECK(ring.pop_some(rest) == static_cast<std::size_t>(in - out));
  CHECK(ring.pop_some(rest) == 0);
}

TEST_CASE("spsc_ring: writable and readable are one piece each and end where the memory does") {
  spsc_ring<int, policy::capacity<8>> ring;
  auto space = ring.writable();
  REQUIRE(space.size() == 8);
  std::iota(space.begin(), space.end(), 0);
  ring.commit(6);
  auto values = ring.readable(4);
  REQUIRE(values.size() == 4);
  CHECK(values[3] == 3);
  ring.consume(4);
  space = ring.writable();
  CHECK(space.size() == 2);  // to the end of the memory
  ring.commit(2);
  space = ring.writable(100);
  CHECK(space.size() == 4);  // what was consumed
  ring.commit(0);
  CHECK(ring.readable().size() == 4);
  CHECK(ring.size_hint() == 4);
}

TEST_CASE("spsc_ring: consume destroys what it passes") {
  auto alive = std::make_shared<int>(0);
  spsc_ring<std::shared_ptr<int>, policy::capacity<4>> ring;
  for (int i = 0; i < 3; ++i) REQUIRE(ring.try_push(alive));
  CHECK(ring.readable().size() == 3);
  ring.consume(2);
  CHECK(alive.use_count() == 2);
}

namespace {
template <class R>
void stream(std::uint64_t count) {
  auto memory = std::make_unique<R>();
  R& ring = *memory;
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < count;) {
      if (ring.try_push(static_cast<int>(i)))
        ++i;
      else
        std::this_thread::yield();
    }
    ring.close();
  });
  std::uint64_t next = 0;
  bool ordered = true;
  for (;;) {
    auto v = ring.try_pop();
    if (v.is_closed()) break;
    if (!v) {
      std::this_thread::yield();
      continue;
    }
    ordered = ordered && *v == static_cast<int>(next++);
  }
  producer.join();
  CHECK(ordered);
  CHECK(next == count);
}
}  // namespace

TEST_CASE_TEMPLATE("spsc_ring: two threads, one slot: nothing lost, order kept, close seen last", R, EVERY_RING(1)) {
  stream<R>(3000);
}
TEST_CASE_TEMPLATE("spsc_ring: two threads, four slots: nothing lost, order kept, close seen last", R, EVERY_RING(4)) {
  stream<R>(20'000);
}
TEST_CASE_TEMPLATE("spsc_ring: two threads, many slots: nothing lost, order kept, close seen last", R,
                   EVERY_RING(1024)) {
  stream<R>(200'000);
}

TEST_CASE_TEMPLATE("spsc_ring: bulk forms and front work in every form", R, EVERY_RING(8)) {
  R ring;
  int in[11];
  std::iota(std::begin(in), std::end(in), 0);
  CHECK(ring.push_some(in) == 8);
  CHECK(ring.try_push(1).is_full());
  REQUIRE(ring.front() != nullptr);
  CHECK(*ring.front() == 0);
  CHECK(ring.pop_front());
  int out[20] = {};
  CHECK(ring.pop_some(out) == 7);
  for (int i = 0; i < 7; ++i) CHECK(out[i] == i + 1);
  CHECK(ring.pop_some(out) == 0);  // the producer learns of all free slots here at the latest
  CHECK(ring.front() == nullptr);
  CHECK_FALSE(ring.pop_front());
  CHECK(ring.push_some(in) == 8);
}

TEST_CASE("spsc_ring: a lazy consumer tells in portions, and all when it finds nothing") {
  lazy<8> ring;
  for (int i = 0; i < 8; ++i) REQUIRE(ring.try_push(i));
  CHECK(*ring.try_pop() == 0);
  CHECK(ring.try_push(8).is_full());  // one slot is free, and not told yet
  CHECK(*ring.try_pop() == 1);
  CHECK(ring.try_push(8));  // a portion of two
  CHECK(ring.try_push(9));
  CHECK(ring.try_push(10).is_full());
  for (int i = 2; i < 10; ++i) CHECK(*ring.try_pop() == i);
  CHECK(ring.try_pop().is_empty());
  for (int i = 0; i < 8; ++i) CHECK(ring.try_push(i));
}

TEST_CASE("layout: scattered maps one to one, and neighbours lie on different lines where there are enough") {
  const auto look = []<std::size_t N, std::size_t Size>() {
    std::vector<int> hits(N);
    std::size_t together = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const std::size_t s = frys::layout::scattered::slot_of<N, Size>(i + 5 * N);
      REQUIRE(s < N);
      ++hits[s];
      const std::size_t next = frys::layout::scattered::slot_of<N, Size>(i + 1);
      together += s * Size / frys::cache_line == next * Size / frys::cache_line ? 1u : 0u;
    }
    for (const int n : hits) CHECK(n == 1);
    return together;
  };
  CHECK(look.template operator()<1024, 8>() == 0);
  CHECK(look.template operator()<64, 4>() == 0);
  CHECK(look.template operator()<8, 8>() > 0);  // one line
  CHECK(look.template operator()<16, 128>() == 0);
  CHECK(look.template operator()<1, 8>() == 1);
}

TEST_CASE("spsc_ring: pointers have a niche of their own") {
  int a = 1, b = 2;
  spsc_ring<int*, policy::niche<nullptr>, policy::capacity<2>> ring;
  CHECK(ring.try_push(&a));
  CHECK(ring.try_push(&b));
  CHECK(ring.try_push(&a).is_full());
  CHECK(*ring.try_pop() == &a);
  CHECK(ring.size_hint() == 1);
  CHECK(*ring.try_pop() == &b);
  CHECK(ring.try_pop().is_empty());
}

TEST_CASE("spsc_ring: two threads hand over owning values by spans and bulk") {
  spsc_ring<std::unique_ptr<std::uint64_t>, policy::capacity<64>> ring;
  constexpr std::uint64_t count = 20'000;
  std::thread producer([&] {
    std::uint64_t next = 0;
    while (next < count) {
      std::array<std::unique_ptr<std::uint64_t>, 7> batch;
      const std::size_t n = (std::min)(batch.size(), static_cast<std::size_t>(count - next));
      for (std::size_t i = 0; i < n; ++i) batch[i] = std::make_unique<std::uint64_t>(next + i);
      std::span<std::unique_ptr<std::uint64_t>> rest(batch.data(), n);
      while (!rest.empty()) {
        rest = rest.subspan(ring.push_some(rest));
        if (!rest.empty()) std::this_thread::yield();
      }
      next += n;
    }
    ring.close();
  });
  std::uint64_t next = 0;
  bool ordered = true;
  while (!ring.is_drained()) {
    auto piece = ring.readable(10);
    for (auto& p : piece) ordered = ordered && *p == next++;
    ring.consume(piece.size());
    if (piece.empty()) std::this_thread::yield();
  }
  producer.join();
  CHECK(ordered);
  CHECK(next == count);
}

TEST_CASE("spsc_ring: both atomics models fill the slot, named or by a world") {
  struct world {
    using atomics = frys::atomics::tsan;
  };
  spsc_ring<int, policy::atomics<frys::atomics::real>, policy::capacity<2>> a;
  spsc_ring<int, policy::world<world>> b;
  CHECK(std::is_same_v<decltype(b)::atomics_type, frys::atomics::tsan>);
  CHECK(a.try_push(1));
  CHECK(b.try_push(1));
  CHECK(*a.try_pop() == *b.try_pop());
}

// --- a capacity of the run time

namespace {
using dynamic_ring = frys::spsc_ring<std::unique_ptr<int>, frys::policy::capacity<frys::policy::dynamic>>;
}  // namespace

TEST_CASE("spsc_ring: a capacity of the run time holds that many") {
  for (std::size_t capacity : {std::size_t{1}, std::size_t{8}, std::size_t{1024}}) {
    auto made = dynamic_ring::make(capacity);
    REQUIRE(made);
    CHECK(made->slot_count() == capacity);
    dynamic_ring ring = std::move(*made);
    for (int lap = 0; lap < 3; ++lap) {
      for (std::size_t i = 0; i < capacity; ++i) REQUIRE(ring.try_push(std::make_unique<int>(static_cast<int>(i))));
      CHECK(ring.try_push(nullptr).is_full());
      for (std::size_t i = 0; i < capacity; ++i) REQUIRE(**ring.try_pop() == static_cast<int>(i));
      CHECK(ring.try_pop().is_empty());
    }
    REQUIRE(ring.try_push(std::make_unique<int>(1)));  // destroyed with the ring
    ring.close();
    CHECK(ring.try_push(nullptr).is_closed());
  }
  static_assert(dynamic_ring::capacity == frys::policy::dynamic);
  static_assert(!std::is_default_constructible_v<dynamic_ring> && std::is_nothrow_move_constructible_v<dynamic_ring>);
  static_assert(!std::is_move_constructible_v<frys::spsc_ring<int>>);
}

TEST_CASE("spsc_ring: a capacity that is none is an error, and so is memory that is not there") {
  for (std::size_t wrong : {std::size_t{0}, std::size_t{7}}) {
    const auto made = dynamic_ring::make(wrong);
    REQUIRE_FALSE(made);
    CHECK(made.error() == frys::errc::invalid_argument);
  }
  const auto huge = dynamic_ring::make(std::size_t{1} << (sizeof(std::size_t) * 8 - 1));
  REQUIRE_FALSE(huge);
  CHECK(huge.error() == frys::errc::out_of_memory);
}

TEST_CASE("spsc_ring: spans and lazy publishing with a capacity of the run time, between two threads") {
  auto made =
      frys::spsc_ring<std::uint64_t, frys::policy::capacity<frys::policy::dynamic>,
                      frys::policy::publish<frys::publish::lazy>, frys::policy::pages<frys::heap_pages>>::make(64);
  REQUIRE(made);
  auto& ring = *made;
  constexpr std::uint64_t count = 100'000;
  std::thread producer([&ring] {
    for (std::uint64_t next = 1; next <= count;) {
      auto space = ring.writable(16);
      std::size_t used = 0;
      while (used < space.size() && next <= count) space[used++] = next++;
      ring.commit(used);
      if (used == 0) std::this_thread::yield();
    }
    ring.close();
  });
  std::uint64_t next = 1;
  bool ordered = true;
  while (!ring.is_drained()) {
    auto values = ring.readable();
    for (const std::uint64_t v : values) ordered = ordered && v == next++;
    ring.consume(values.size());
    if (values.empty()) std::this_thread::yield();
  }
  producer.join();
  CHECK(ordered);
  CHECK(next == count + 1);
}

// --- the form that overwrites

namespace {
template <class T, std::size_t N>
using lossy_ring = frys::spsc_ring<T, frys::policy::capacity<N>, frys::policy::overflow<frys::overflow::overwrite>>;
}  // namespace

TEST_CASE("spsc_ring that overwrites: who keeps up loses nothing") {
  lossy_ring<int, 4> ring;
  CHECK(ring.try_pop().is_empty());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ring.try_push(i));
    REQUIRE(*ring.try_pop() == i);
  }
  CHECK(ring.missed() == 0);
  CHECK(ring.slot_count() == 4);
}

TEST_CASE("spsc_ring that overwrites: the producer is never refused, lost values are counted") {
  lossy_ring<int, 8> ring;
  for (int i = 0; i < 20; ++i) REQUIRE(ring.try_emplace(i));
  auto first = ring.try_pop();
  REQUIRE(first);
  CHECK(*first >= 12);  // of the newest eight
  CHECK(ring.missed() == static_cast<std::uint64_t>(*first));
  int out[8] = {};
  const std::size_t n = ring.pop_some(out);
  CHECK(n == static_cast<std::size_t>(19 - *first));
  CHECK(out[n - 1] == 19);
  ring.close();
  CHECK(ring.try_push(1).is_closed());
  const int two[2] = {1, 2};
  CHECK(ring.push_some(two) == 0);
  CHECK(ring.try_pop().is_closed());
  CHECK(ring.is_drained());
}

TEST_CASE("spsc_ring that overwrites: a producer learns that nobody listens") {
  lossy_ring<int, 2> ring;
  const int two[2] = {1, 2};
  CHECK(ring.push_some(two) == 2);
  ring.abandon();
  CHECK(ring.try_push(3).is_closed());
  CHECK(ring.push_some(two) == 0);
}

TEST_CASE("spsc_ring that overwrites: two threads: whole values in order, the gaps counted exactly") {
  struct pair {
    std::uint64_t a, b, c;
  };
  lossy_ring<pair, 16> ring;
  constexpr std::uint64_t count = 200'000;
  std::thread producer([&ring] {
    for (std::uint64_t i = 1; i <= count; ++i) CHECK(ring.try_push(pair{i, ~i, i * 3}));
    ring.close();
  });
  std::uint64_t last = 0, got = 0;
  bool whole = true;
  for (;;) {
    auto v = ring.try_pop();
    if (v.is_closed()) break;
    if (!v) continue;
    whole = whole && v->b == ~v->a && v->c == v->a * 3 && v->a > last;
    last = v->a;
    ++got;
  }
  producer.join();
  CHECK(whole);
  CHECK(last == count);
  CHECK(got + ring.missed() == count);
}
