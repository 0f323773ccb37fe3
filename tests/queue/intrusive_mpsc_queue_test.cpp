#include <frys/core/work.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

using frys::intrusive_mpsc_queue;

namespace {
struct node {
  node* next = nullptr;
  std::uint64_t producer = 0;
  std::uint64_t n = 0;
};
}  // namespace

TEST_CASE("intrusive_mpsc_queue: nodes come out in the order they went in, and may go in again") {
  intrusive_mpsc_queue<node> queue;
  CHECK(queue.empty());
  CHECK(queue.pop() == nullptr);
  node nodes[5];
  for (int round = 0; round < 100; ++round) {
    for (auto& n : nodes) queue.push(n);
    CHECK_FALSE(queue.empty());
    for (auto& n : nodes) CHECK(queue.pop() == &n);
    CHECK(queue.pop() == nullptr);
    CHECK(queue.empty());
  }
}

TEST_CASE("intrusive_mpsc_queue: push tells whether the consumer may be asleep") {
  intrusive_mpsc_queue<node> queue;
  node a, b, c;
  CHECK(queue.push(a));
  CHECK_FALSE(queue.push(b));
  CHECK(queue.pop() == &a);
  CHECK_FALSE(queue.push(c));
  CHECK(queue.pop() == &b);
  CHECK(queue.pop() == &c);
  CHECK(queue.empty());
  CHECK(queue.push(a));
  CHECK(queue.pop() == &a);
}

TEST_CASE("intrusive_mpsc_queue: holds core's work") {
  intrusive_mpsc_queue<frys::work> queue;
  frys::work w;
  CHECK(queue.push(w));
  CHECK(queue.pop() == &w);
}

TEST_CASE("intrusive_mpsc_queue: many producers: nothing lost, each producer's order kept") {
  constexpr std::uint64_t producers = 3, each = 10'000;
  intrusive_mpsc_queue<node> queue;
  std::vector<std::vector<node>> nodes(producers, std::vector<node>(each));
  std::vector<std::thread> all;
  for (std::uint64_t p = 0; p < producers; ++p)
    all.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i) {
        nodes[p][i].producer = p;
        nodes[p][i].n = i;
        queue.push(nodes[p][i]);
      }
    });
  std::vector<std::uint64_t> next(producers, 0);
  bool ordered = true;
  for (std::uint64_t count = 0; count < producers * each;) {
    node* n = queue.pop();
    if (n == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ordered = ordered && n->n == next[n->producer]++;
    ++count;
  }
  for (auto& t : all) t.join();
  CHECK(ordered);
  CHECK(queue.pop() == nullptr);
  CHECK(queue.empty());
}
