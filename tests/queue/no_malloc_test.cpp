// The hot paths of the queues, under an operator new that counts: after warm-up they do not call it.
#include "../memory/count_new.hpp"

#include <frys/queue/bag.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/segment_queue.hpp>
#include <frys/queue/spsc_ring.hpp>

#include <doctest/doctest.h>

#include <memory>

namespace {
template <class Queue>
std::size_t calls_of(Queue& queue) {
  std::size_t before = 0;
  for (int round = 0; round < 100; ++round) {
    if (round == 2) before = new_calls;
    for (int i = 0; i < 500; ++i) (void)queue.try_push(i);
    while (queue.try_pop()) {
    }
  }
  return new_calls - before;
}
// A bag as one thread sees it, with handles that come and go.
struct bag_in_hand {
  frys::bag<int> bag;
  bool try_push(int v) { return static_cast<bool>(bag.producer()->try_push(v)); }
  bool try_pop() { return static_cast<bool>(bag.consumer()->try_pop()); }
};
}  // namespace

TEST_CASE("no malloc: spsc_ring, mpmc_ring, mpsc_queue, segment_queue and bag push and pop without it after warm-up") {
  auto spsc = std::make_unique<frys::spsc_ring<int>>();
  auto mpmc = std::make_unique<frys::mpmc_ring<int>>();
  frys::mpsc_queue<int> mpsc;
  const std::size_t at_start = new_calls;
  CHECK(calls_of(*spsc) == 0);
  CHECK(calls_of(*mpmc) == 0);
  CHECK(new_calls == at_start);  // the rings need none at all
  CHECK(calls_of(mpsc) == 0);
  frys::segment_queue<int> segments;
  CHECK(calls_of(segments) == 0);
  bag_in_hand bag;
  CHECK(calls_of(bag) == 0);
  CHECK(new_calls > at_start);  // the counter counts: the slabs of the warm-up
}
