#include <frys/sched/fork_join.hpp>
#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

std::unique_ptr<frys::scheduler<>> pool_of(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers;
  return *frys::scheduler<>::create(o);
}

long fib(long n) {
  if (n < 2) return n;
  const auto [a, b] = frys::join([&] { return fib(n - 1); }, [&] { return fib(n - 2); });
  return a + b;
}

template <class It>
void quicksort(It first, It last) {
  while (last - first > 64) {
    auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last);
    frys::join([=] { quicksort(first, middle); }, [=] { quicksort(middle, last); });
    return;
  }
  std::sort(first, last);
}

}  // namespace

TEST_CASE("fork_join: a join answers both results, unit for void") {
  auto pool = pool_of(1);
  pool->run([] {
    auto [a, b] = frys::join([] { return 1; }, [] { return std::string("two"); });
    CHECK(a == 1);
    CHECK(b == "two");
    int seen = 0;
    auto both = frys::join([&] { seen += 1; }, [&] { return std::make_unique<int>(7); });
    CHECK(both.first == frys::unit{});
    CHECK(*both.second == 7);
    CHECK(seen == 1);
    auto three = frys::join([] { return 1; }, [] { return 2; }, [] { return 3; });
    CHECK(three.first + three.second.first + three.second.second == 6);
  });
}

TEST_CASE("fork_join: on a thread of no scheduler the pieces run in their order") {
  std::string order;
  frys::join([&] { order += 'a'; }, [&] { order += 'b'; }, [&] { order += 'c'; });
  frys::parallel_for(0, 3, 1, [&](int i) { order += static_cast<char>('0' + i); });
  CHECK(order == "abc012");
  CHECK(frys::parallel_reduce(
            1, 5, 1, std::string(), [](int i) { return std::to_string(i); },
            [](std::string a, const std::string& b) { return std::move(a) + b; }) == "1234");
  frys::tick();
}

TEST_CASE("fork_join: forks within forks, by one worker and by several") {
  for (unsigned workers : {0u, 1u, 3u}) {
    auto pool = pool_of(workers);
    CHECK(pool->workers() == workers);
    CHECK(pool->run([] { return fib(18); }) == 2584);
  }
}

TEST_CASE("fork_join: a hungry worker takes what is announced") {
  auto pool = pool_of(1);
  // The first half waits until somebody else has run the second: it ends only if that is handed over.
  std::atomic<bool> taken{false};
  pool->run([&] {
    frys::join(
        [&] {
          while (!taken) {
            frys::tick();
            std::this_thread::yield();
          }
        },
        [&] { taken = true; });
  });
  CHECK(pool->stats().forks >= 1);
}

TEST_CASE("fork_join: a loop gives its farther half while one step runs, the outer before the inner") {
  auto pool = pool_of(1);
  std::atomic<bool> taken{false};
  std::atomic<int> steps{0};
  pool->run([&] {
    frys::parallel_for(0, 2, 1, [&](int i) {
      if (i == 1) {
        taken = true;
        return;
      }
      // The inner loop polls; what it hands over is the outer loop's second step.
      while (!taken)
        frys::parallel_for(0, 1, 1, [&](int) {
          frys::tick();
          ++steps;
          std::this_thread::yield();
        });
    });
    const int sum = frys::parallel_reduce(
        0, 64, 1, 0,
        [&](int i) {
          return frys::parallel_reduce(
              0, 64, 1, 0, [&](int k) { return i == k ? 1 : 0; }, [](int a, int b) { return a + b; });
        },
        [](int a, int b) { return a + b; });
    CHECK(sum == 64);
  });
  CHECK(steps > 0);
}

TEST_CASE("fork_join: eager promotion hands over without a tick") {
  using eager = frys::scheduler<frys::policy::promotion<frys::promotion::eager>>;
  frys::scheduler_options o;
  o.workers = 1;
  auto pool = *eager::create(o);
  std::atomic<bool> taken{false};
  pool->run([&] {
    eager::join(
        [&] {
          while (!taken) std::this_thread::yield();
        },
        [&] { taken = true; });
  });
  CHECK(pool->run([] { return fib(12); }) == 144);
}

TEST_CASE("fork_join: loops and sums visit each index once, in order where it shows") {
  auto pool = pool_of(2);
  std::vector<std::atomic<int>> seen(10'000);
  pool->run([&] { frys::parallel_for(std::size_t{0}, seen.size(), 7, [&](std::size_t i) { ++seen[i]; }); });
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
  std::vector<int> values(5000);
  std::iota(values.begin(), values.end(), 0);
  pool->run([&] { frys::parallel_for(values.begin(), values.end(), [](int& v) { v *= 2; }); });
  CHECK(values[4999] == 9998);
  const long sum = pool->run([&] {
    return frys::parallel_reduce(
        -100, 101, 3, 0L, [](int i) { return static_cast<long>(i) + 1; }, [](long a, long b) { return a + b; });
  });
  CHECK(sum == 201);
  const std::string text = pool->run([&] {
    return frys::parallel_reduce(
        0, 500, 1, std::string(), [](int i) { return std::string(1, static_cast<char>('a' + i % 26)); },
        [](std::string a, const std::string& b) { return std::move(a) + b; });
  });
  CHECK(text.size() == 500);
  CHECK(text.substr(26, 5) == "abcde");
  pool->run([&] { frys::parallel_for(5, 5, 1, [](int) { FAIL("an empty range"); }); });
}

TEST_CASE("fork_join: sorts with several workers") {
  auto pool = pool_of(3);
  std::vector<unsigned> v(20'000);
  unsigned x = 1;
  for (unsigned& e : v) e = x = x * 1664525u + 1013904223u;
  auto expected = v;
  std::sort(expected.begin(), expected.end());
  pool->run([&] { quicksort(v.begin(), v.end()); });
  CHECK(v == expected);
}

TEST_CASE("fork_join: recursion deeper than the array of forks goes on, one after the other") {
  auto pool = pool_of(1);
  struct deep {
    static int down(int n) {
      if (n == 0) return 0;
      const auto [a, b] = frys::join([=] { return down(n - 1); }, [] { return 1; });
      return a + b;
    }
  };
  CHECK(pool->run([] { return deep::down(3000); }) == 3000);
}

#if FRYS_EXCEPTIONS
TEST_CASE("fork_join: an exception crosses the join when all pieces have ended; the first piece's wins") {
  for (unsigned workers : {1u, 2u}) {
    auto pool = pool_of(workers);
    pool->run([&] {
      CHECK_THROWS_WITH(frys::join([] { throw std::string("a"); }, [] {}), "a");
      CHECK_THROWS_WITH(frys::join([] {}, [] { throw std::string("b"); }), "b");
      CHECK_THROWS_WITH(frys::join([] { throw std::string("a"); }, [] { throw std::string("b"); }), "a");
      // Behind an exception all goes on as before.
      CHECK(fib(10) == 55);
      CHECK_THROWS_WITH(frys::parallel_for(0, 100, 1, [](int i) { i == 57 ? throw std::string("57") : 0; }), "57");
    });
    // One that another worker has run.
    std::atomic<bool> taken{false};
    pool->run([&] {
      CHECK_THROWS_WITH(frys::join(
                            [&] {
                              while (!taken) frys::tick(), std::this_thread::yield();
                            },
                            [&] {
                              taken = true;
                              throw std::string("far away");
                            }),
                        "far away");
    });
    taken = false;
    std::atomic<bool> ended{false};
    pool->run([&] {
      CHECK_THROWS_WITH(frys::join(
                            [&] {
                              while (!taken) frys::tick(), std::this_thread::yield();
                              throw std::string("mine");
                            },
                            [&] {
                              taken = true;
                              std::this_thread::yield();
                              ended = true;
                              return std::make_unique<int>(1);
                            }),
                        "mine");
      CHECK(ended);
    });
  }
}
#endif
