// crowd: many threads at a queue, for the promises that hold for all of them.
//
// A queue that is used by handles has `producer()` and `consumer()`; each thread takes its own.
#ifndef FRYS_TESTS_QUEUE_CROWD_HPP
#define FRYS_TESTS_QUEUE_CROWD_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <frys/queue/result.hpp>

namespace crowd {

// By what a thread pushes, and pops: the queue, or a handle of its own.
template <class Queue>
Queue& way_in(Queue& queue) {
  return queue;
}
template <class Queue>
requires requires(Queue& queue) { queue.producer(); }
auto way_in(Queue& queue) { return *queue.producer(); }
template <class Queue>
Queue& way_out(Queue& queue) {
  return queue;
}
template <class Queue>
requires requires(Queue& queue) { queue.consumer(); }
auto way_out(Queue& queue) { return *queue.consumer(); }

// How a thread pushes its values and takes others, one at a time.
struct one_by_one {
  // Pushes first .. first + count - 1, and yields where it is told full.
  static bool push(auto& to, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count;) {
      const frys::push_result r = to.try_push(first + i);
      if (r.is_closed()) return false;
      if (r)
        ++i;
      else
        std::this_thread::yield();
    }
    return true;
  }
  // Calls see(value) for what it takes, until it is told closed.
  static void pop(auto& from, auto see) {
    while (take(from, see)) {
    }
  }
  // One value, or a rest; false when it is told closed.
  static bool take(auto& from, auto& see) {
    auto v = from.try_pop();
    if (v)
      see(*v);
    else if (!v.is_closed())
      std::this_thread::yield();
    return !v.is_closed();
  }
};

// Every value comes out once; where `ordered`, each consumer sees each producer's values in order; close ends all.
template <class Queue, class How = one_by_one>
void hand_over(Queue& queue, unsigned producers, unsigned consumers, std::uint64_t each, bool ordered = true,
               How how = {}) {
  std::atomic<std::uint64_t> sum{0}, count{0};
  std::atomic<bool> fine{true};
  std::vector<std::thread> in, out;
  for (unsigned c = 0; c < consumers; ++c)
    out.emplace_back([&] {
      std::vector<std::uint64_t> next(producers, 0);
      auto&& from = way_out(queue);
      how.pop(from, [&](std::uint64_t v) {
        const std::uint64_t producer = v >> 32, n = v & 0xffff'ffff;
        if (ordered && n < next[producer]) fine = false;
        next[producer] = n + 1;
        sum += n;
        ++count;
      });
    });
  for (unsigned p = 0; p < producers; ++p)
    in.emplace_back([&, p] {
      auto&& to = way_in(queue);
      if (!how.push(to, std::uint64_t{p} << 32, each)) fine = false;
    });
  for (auto& t : in) t.join();
  queue.close();
  for (auto& t : out) t.join();
  CHECK(fine);
  CHECK(count == producers * each);
  CHECK(sum == producers * (each * (each - 1) / 2));
}

// What was accepted before a close in the middle comes out, no more and no less; then everybody is told closed. Of
// std::unique_ptr<int>.
template <class Queue>
void closed_in_the_middle() {
  for (int round = 0; round < 30; ++round) {
    Queue queue;
    std::atomic<int> accepted{0}, taken{0};
    std::vector<std::thread> all;
    for (int p = 0; p < 2; ++p)
      all.emplace_back([&] {
        auto&& to = way_in(queue);
        for (;;) {
          const frys::push_result r = to.try_push(std::make_unique<int>(1));
          if (r.is_closed()) return;
          if (r)
            ++accepted;
          else
            std::this_thread::yield();
        }
      });
    for (int c = 0; c < 2; ++c)
      all.emplace_back([&] {
        auto&& from = way_out(queue);
        one_by_one::pop(from, [&](const std::unique_ptr<int>&) { ++taken; });
      });
    while (taken < 50 + round) std::this_thread::yield();
    queue.close();
    for (auto& t : all) t.join();
    REQUIRE(accepted == taken);
    REQUIRE(queue.size_hint() == 0);
  }
}

}  // namespace crowd

#endif  // FRYS_TESTS_QUEUE_CROWD_HPP
