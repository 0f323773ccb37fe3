#include "boost_lockfree.hpp"

#include <doctest/doctest.h>
#include <frys/queue/blocking.hpp>
#include <frys/queue/concepts.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/spsc_ring.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#if defined(FRYS_WITH_BOOST_LOCKFREE) && FRYS_WITH_BOOST_LOCKFREE

namespace {

namespace policy = frys::policy;

static_assert(frys::closable_queue<frys::boost_spsc_queue<int>>);
static_assert(frys::closable_queue<frys::boost_queue<int>>);
static_assert(frys::closable_queue<frys::boost_stack<int>>);

// What a user writes once and gives any of the queues.
template <class Queue>
int sum_through(Queue& queue) {
  for (int i = 1; i <= 10; ++i) CHECK(queue.try_push(i));
  queue.close();
  int sum = 0;
  while (auto v = queue.try_pop()) sum += *v;
  return sum;
}

template <class Queue>
void fills_and_closes() {
  Queue queue;
  CHECK(queue.try_pop().is_empty());
  for (int i = 0; i < 4; ++i) REQUIRE(queue.try_push(i));
  CHECK(queue.try_push(4).is_full());
  REQUIRE(queue.try_pop());
  CHECK(queue.try_emplace(5));
  queue.close();
  queue.close();
  CHECK(queue.try_push(6).is_closed());
  CHECK(queue.try_emplace(6).is_closed());
  for (int i = 0; i < 4; ++i) CHECK(queue.try_pop());
  CHECK(queue.try_pop().is_closed());
  CHECK(queue.try_pop().is_closed());
}

// All that was accepted comes out once, also when a close comes in between; then everybody is told closed.
template <class Queue>
void crowd(unsigned producers, unsigned consumers, bool close_early) {
  Queue queue;
  std::atomic<std::uint64_t> in{0}, out{0}, sum_in{0}, sum_out{0};
  std::vector<std::thread> pushing, popping;
  for (unsigned c = 0; c < consumers; ++c)
    popping.emplace_back([&] {
      for (;;) {
        auto v = queue.try_pop();
        if (v.is_closed()) return;
        if (v) {
          sum_out += *v;
          ++out;
        } else {
          std::this_thread::yield();
        }
      }
    });
  for (unsigned p = 0; p < producers; ++p)
    pushing.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < 5000;) {
        const frys::push_result r = queue.try_push(p * 5000 + i);
        if (r.is_closed()) return;
        if (r) {
          ++in;
          sum_in += p * 5000 + i++;
        } else {
          std::this_thread::yield();
        }
      }
    });
  if (close_early) {
    while (out < 500) std::this_thread::yield();
    queue.close();
  }
  for (auto& t : pushing) t.join();
  queue.close();
  for (auto& t : popping) t.join();
  CHECK(in == out);
  CHECK(sum_in == sum_out);
}

}  // namespace

TEST_CASE("boost_lockfree: each stands where a ring of ours stands") {
  frys::spsc_ring<int, policy::capacity<16>> one;
  frys::mpmc_ring<int, policy::capacity<16>> two;
  frys::boost_spsc_queue<int, policy::capacity<16>> three;
  frys::boost_queue<int, policy::capacity<16>> four;
  frys::boost_stack<int, policy::capacity<16>> five;
  CHECK(sum_through(one) == 55);
  CHECK(sum_through(two) == 55);
  CHECK(sum_through(three) == 55);
  CHECK(sum_through(four) == 55);
  CHECK(sum_through(five) == 55);
}

TEST_CASE("boost_lockfree: full, empty and closed are told as by our own") {
  fills_and_closes<frys::boost_spsc_queue<int, policy::capacity<4>>>();
  fills_and_closes<frys::boost_queue<int, policy::capacity<4>>>();
  fills_and_closes<frys::boost_stack<int, policy::capacity<4>>>();
}

TEST_CASE("boost_lockfree: queues give the oldest value first, the stack the newest") {
  frys::boost_spsc_queue<int, policy::capacity<3>> fifo;
  frys::boost_queue<int> many;
  frys::boost_stack<int> stack;
  for (int i = 0; i < 3; ++i) {
    CHECK(fifo.try_push(i));
    CHECK(many.try_push(i));
    CHECK(stack.try_push(i));
  }
  CHECK(fifo.size_hint() == 3);
  CHECK_FALSE(many.is_closed());
  for (int i = 0; i < 3; ++i) {
    CHECK(*fifo.try_pop() == i);
    CHECK(*many.try_pop() == i);
    CHECK(*stack.try_pop() == 2 - i);
  }
  CHECK(many.native().empty());
}

TEST_CASE("boost_lockfree: boost_spsc_queue moves values out and destroys what was left") {
  auto alive = std::make_shared<int>(0);
  {
    frys::boost_spsc_queue<std::shared_ptr<int>, policy::capacity<8>> queue;
    for (int i = 0; i < 5; ++i) REQUIRE(queue.try_push(alive));
    CHECK(alive.use_count() == 6);
    auto v = queue.try_pop();
    CHECK(alive.use_count() == 6);
    CHECK(queue.native().read_available() == 4);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("boost_lockfree: threads lose and double nothing, and all are told closed") {
  crowd<frys::boost_spsc_queue<std::uint64_t, policy::capacity<16>>>(1, 1, false);
  for (bool early : {false, true}) {
    crowd<frys::boost_queue<std::uint64_t, policy::capacity<16>>>(2, 2, early);
    crowd<frys::boost_stack<std::uint64_t, policy::capacity<16>>>(2, 2, early);
    // eight threads on whatever cores there are
    crowd<frys::boost_queue<std::uint64_t, policy::capacity<64>>>(4, 4, early);
    crowd<frys::boost_stack<std::uint64_t, policy::capacity<64>>>(4, 4, early);
  }
}

TEST_CASE("boost_lockfree: closed is not told while a push is under way") {
  frys::detail::push_gate<frys::atomics::standard> gate;
  REQUIRE(gate.enter());
  REQUIRE(gate.enter());
  CHECK_FALSE(gate.is_shut());
  gate.close();
  CHECK(gate.is_closed());
  CHECK_FALSE(gate.is_shut());
  CHECK_FALSE(gate.enter());
  gate.leave();
  CHECK_FALSE(gate.is_shut());
  gate.leave();
  CHECK(gate.is_shut());
  CHECK_FALSE(gate.enter());
  CHECK(gate.is_shut());
}

TEST_CASE("boost_lockfree: blocking gives them waits") {
  frys::blocking<frys::boost_queue<std::uint64_t, policy::capacity<2>>> queue;
  std::uint64_t sum = 0;
  std::thread consumer([&] {
    while (auto v = queue.pop()) sum += *v;
  });
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    std::uint64_t value = i;
    CHECK(queue.push(std::move(value)));
  }
  queue.close();
  consumer.join();
  CHECK(sum == 500500);
}

#else
TEST_CASE("boost_lockfree: needs Boost's headers (apt: libboost-dev)" * doctest::skip()) {}
#endif
