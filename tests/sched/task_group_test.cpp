#include <frys/sched/task_group.hpp>

#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::unique_ptr<frys::scheduler<>> group_pool(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers;
  return *frys::scheduler<>::create(o);
}

void grow(frys::task_group& g, std::atomic<int>& seen, int depth) {
  ++seen;
  for (int i = 0; depth > 0 && i < 3; ++i) REQUIRE(g.run([&g, &seen, depth] { grow(g, seen, depth - 1); }));
}

// An allocator that gives so many blocks and no more.
struct counted_blocks {
  static inline std::atomic<int> left{0}, out{0};
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    if (left <= 0) return frys::error{frys::errc::out_of_memory, frys::domain::core, "no more blocks", 0};
    --left, ++out;
    return ::operator new(size, std::align_val_t(alignment));
  }
  static void deallocate(void* block, std::size_t, std::size_t alignment) noexcept {
    --out;
    ::operator delete(block, std::align_val_t(alignment));
  }
};
using counted_group = frys::basic_task_group<frys::policy::allocator<counted_blocks>>;

// A tree whose nodes are all tasks of one group, whoever runs them.
void count_leaves(frys::task_group& g, std::atomic<std::uint64_t>& leaves, int depth) {
  if (depth == 0) {
    ++leaves;
    return;
  }
  for (int i = 0; i < 10; ++i)
    if (!g.run([&g, &leaves, depth] { count_leaves(g, leaves, depth - 1); })) std::abort();
}

}  // namespace

TEST_CASE("task_group: waits for all of its tasks, also those that tasks have added") {
  for (unsigned workers : {0u, 1u, 3u}) {
    auto pool = group_pool(workers);
    std::atomic<int> seen{0};
    pool->run([&] {
      frys::task_group g;
      grow(g, seen, 5);
      g.wait();
      CHECK(seen == 364);
      seen = 0;
      grow(g, seen, 2);  // again
    });                  // its destructor waits
    CHECK(seen == 13);
  }
}

TEST_CASE("task_group: groups within groups need no more stack than calls") {
  struct tree {
    static int grow(int depth) {
      if (depth == 0) return 1;
      std::atomic<int> sum{0};
      frys::task_group g;
      for (int i = 0; i < 4; ++i) REQUIRE(g.run([&sum, depth] { sum += grow(depth - 1); }));
      // Far more than the serial depth would be seen here: a frame for each of the siblings that wait.
      thread_local int inside = 0;
      struct level {
        level() { CHECK(++inside <= 6 + 8 * 16); }
        ~level() { --inside; }
      } const here;
      g.wait();
      return sum;
    }
  };
  auto pool = group_pool(0);
  CHECK(pool->run([] { return tree::grow(6); }) == 4096);
  auto two = group_pool(1);
  CHECK(two->run([] { return tree::grow(6); }) == 4096);
}

TEST_CASE("task_group: one group for a whole tree, whoever runs its tasks") {
  for (unsigned workers : {0u, 1u, 3u}) {
    auto pool = group_pool(workers);
    for (int round = 0; round < 5; ++round) {
      std::atomic<std::uint64_t> leaves{0};
      pool->run([&] {
        frys::task_group g;
        count_leaves(g, leaves, 4);
        g.wait();
        CHECK(leaves == 10'000);
      });
    }
  }
}

TEST_CASE("task_group: tasks of inner groups run into outer ones, on any worker") {
  auto pool = group_pool(3);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> seen{0};
    pool->run([&] {
      frys::task_group outer;
      for (int i = 0; i < 20; ++i)
        REQUIRE(outer.run([&] {
          frys::task_group inner;
          for (int k = 0; k < 20; ++k)
            if (!inner.run([&] {
                  for (int j = 0; j < 3; ++j)
                    if (!outer.run([&] { ++seen; })) std::abort();
                }))
              std::abort();
          inner.wait();
        }));
      outer.wait();
      CHECK(seen == 1200);
    });
  }
}

TEST_CASE("task_group: more tasks at a time than anybody has room for beforehand") {
  for (unsigned workers : {0u, 2u}) {
    auto pool = group_pool(workers);
    std::atomic<int> seen{0};
    pool->run([&] {
      frys::task_group g;
      for (int i = 0; i < 100'000; ++i)
        if (!g.run([&] { ++seen; })) std::abort();
      g.wait();
    });
    CHECK(seen == 100'000);
  }
}

TEST_CASE("task_group: workers with nothing to do take tasks though who made them does nothing more") {
  auto pool = group_pool(3);
  for (int round = 0; round < 200; ++round) {
    if (round % 4 == 0) CHECK(pool->drain());  // they sleep
    std::atomic<int> begun{0};
    pool->run([&] {
      frys::task_group g;
      for (int i = 0; i < 3; ++i)
        REQUIRE(g.run([&] {
          ++begun;
          while (begun < 3) std::this_thread::yield();
        }));
      while (begun < 3) std::this_thread::yield();
      g.wait();
    });
  }
}

TEST_CASE("task_group: the callable may be large, and aligned beyond any heap's habit") {
  struct alignas(128) heavy {
    std::atomic<int>* seen;
    char bytes[700] = {};
    void operator()() const {
      CHECK(reinterpret_cast<std::uintptr_t>(this) % 128 == 0);
      ++*seen;
    }
  };
  auto pool = group_pool(1);
  std::atomic<int> seen{0};
  pool->run([&] {
    frys::task_group g;
    for (int i = 0; i < 50; ++i) REQUIRE(g.run(heavy{&seen}));
    g.wait();
  });
  CHECK(seen == 50);
}

TEST_CASE("task_group: without memory run answers full, and the callable is untouched") {
  auto pool = group_pool(0);
  counted_blocks::left = 3;
  pool->run([&] {
    counted_group g;
    auto life = std::make_shared<int>(0);
    int runs = 0, refused = 0;
    for (int i = 0; i < 5; ++i) {
      struct one {
        int& n;
        std::shared_ptr<int> life;
        void operator()() const { ++n; }
      } f{runs, life};
      if (g.run(std::move(f)).is_full()) {
        ++refused;
        CHECK(f.life != nullptr);
      }
    }
    g.wait();
    CHECK(runs == 3);
    CHECK(refused == 2);
    CHECK(life.use_count() == 1);
  });
  CHECK(counted_blocks::out == 0);
}

TEST_CASE("task_group: a pool that ends before the group drops its tasks there") {
  for (unsigned budget : {0u, 1u, 2u}) {
    auto outer = group_pool(0);
    auto life = std::make_shared<int>(0);
    int runs = 0;
    outer->run([&] {
      frys::task_group g(budget);
      {
        auto inner = group_pool(0);
        inner->run([&] {
          for (int i = 0; i < 4; ++i) REQUIRE(g.run([&runs, life] { ++runs; }));
        });
        CHECK(life.use_count() == 5);
      }
      g.wait();
      CHECK(life.use_count() == 1);
      REQUIRE(g.run([&runs, life] { runs += 100; }));
      g.wait();
    });
    CHECK(runs >= 100);
    CHECK(runs < 104);
    CHECK(life.use_count() == 1);
  }
}

TEST_CASE("task_group: tasks in another pool than the one that waits") {
  for (unsigned budget : {0u, 1u, 3u}) {
    auto outer = group_pool(1), inner = group_pool(2);
    std::atomic<int> runs{0};
    for (int round = 0; round < 20; ++round)
      outer->run([&] {
        frys::task_group g(budget);
        inner->run([&] {
          for (int i = 0; i < 20; ++i)
            REQUIRE(g.run([&] {
              ++runs;
              if (!g.run([&] { ++runs; })) std::abort();
            }));
        });
        for (int i = 0; i < 20; ++i) REQUIRE(g.run([&] { ++runs; }));
        g.wait();
      });
    CHECK(runs == 20 * 60);
  }
}

TEST_CASE("task_group: made on a thread of no scheduler, run and waited for on one that works for it") {
  auto pool = group_pool(2);
  frys::task_group g;
  int here = 0;
  REQUIRE(g.run([&] { ++here; }));
  CHECK(here == 1);
  std::atomic<int> seen{0};
  pool->run([&] {
    for (int i = 0; i < 100; ++i) REQUIRE(g.run([&] { ++seen; }));
    g.wait();
    CHECK(seen == 100);
  });
}

TEST_CASE("task_group: a pool may end while one of its tasks still waits for a group") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<std::uint64_t> leaves{0};
    std::atomic<bool> begun{false};
    {
      auto pool = group_pool(3);
      for (int k = 0; k < 2; ++k)
        REQUIRE(pool->submit([&] {
          frys::task_group g;
          begun = true;
          count_leaves(g, leaves, 3);
          frys::task_group other;
          count_leaves(other, leaves, 2);
          other.wait();
          g.wait();
        }));
      while (!begun) std::this_thread::yield();
    }
    CHECK((leaves == 1100 || leaves == 2200));  // what had begun has ended
  }
}

TEST_CASE("task_group: what a worker leaves behind when its pool ends is found by who waits for it") {
  std::atomic<bool> begun{false};
  std::atomic<int> seen{0};
  {
    auto pool = group_pool(2);
    REQUIRE(pool->submit([&] {
      frys::task_group g;
      // Another worker takes it, and makes more than it runs in a row.
      REQUIRE(g.run([&] {
        begun = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // meanwhile the pool is told to stop
        for (int i = 0; i < 200; ++i)
          if (!g.run([&] { ++seen; })) std::abort();
      }));
      while (!begun) std::this_thread::yield();
      g.wait();
    }));
    while (!begun) std::this_thread::yield();
  }
  CHECK(seen == 200);
}

TEST_CASE("task_group: cancelled by a thread of its own, what has not begun dies without a run") {
  auto pool = group_pool(2);
  for (int round = 0; round < 50; ++round) {
    auto life = std::make_shared<int>(0);
    std::atomic<int> runs{0};
    pool->run([&] {
      frys::task_group g;
      for (int i = 0; i < 50; ++i)
        REQUIRE(g.run([&, life] {
          ++runs;
          std::this_thread::yield();
        }));
      std::thread other([&] { g.cancel(); });
      g.wait();
      other.join();
      g.wait();
    });
    CHECK(runs <= 50);
    CHECK(life.use_count() == 1);
  }
}

TEST_CASE("task_group: on a thread of no scheduler run calls at once") {
  frys::task_group g;
  int n = 0;
  REQUIRE(g.run([&] { ++n; }));
  CHECK(n == 1);
  g.wait();
}

TEST_CASE("task_group: no more tasks at a time than its budget") {
  auto pool = group_pool(4);
  std::atomic<int> now{0}, most{0}, all{0};
  pool->run([&] {
    frys::task_group g(2);
    for (int i = 0; i < 200; ++i)
      REQUIRE(g.run([&] {
        const int n = ++now;
        int m = most;
        while (m < n && !most.compare_exchange_weak(m, n)) {
        }
        if (n > 1 || all < 4) std::this_thread::yield();
        ++all;
        --now;
      }));
    g.wait();
  });
  CHECK(all == 200);
  CHECK(most <= 2);
}

TEST_CASE("task_group: what is cancelled before it begins does not run, and dies") {
  auto pool = group_pool(0);
  auto alive = std::make_shared<int>(0);
  int runs = 0;
  pool->run([&] {
    frys::task_group g;
    for (int i = 0; i < 10; ++i) REQUIRE(g.run([&, alive] { ++runs; }));
    CHECK(alive.use_count() == 11);
    g.cancel();
    g.wait();
    CHECK_FALSE(g.is_cancelled());
    REQUIRE(g.run([&] { ++runs; }));
    g.wait();
  });
  CHECK(runs == 1);
  CHECK(alive.use_count() == 1);
}

#if FRYS_EXCEPTIONS
TEST_CASE("task_group: a callable that throws while it moves in leaves nothing behind") {
  struct bad {
    bool throws = false;
    bad() = default;
    bad(const bad& o) : throws(o.throws) {
      if (throws) throw std::runtime_error("no copy");
    }
    void operator()() const {}
  };
  auto pool = group_pool(1);
  counted_blocks::left = 100;
  pool->run([&] {
    counted_group g;
    bad f;
    REQUIRE(g.run(f));
    f.throws = true;
    CHECK_THROWS_WITH(static_cast<void>(g.run(f)), "no copy");
    f.throws = false;
    REQUIRE(g.run(f));
    g.wait();
  });
  CHECK(counted_blocks::out == 0);
}

TEST_CASE("task_group: of exceptions on several workers one comes out, and each of many groups has its own") {
  auto pool = group_pool(3);
  for (int round = 0; round < 100; ++round)
    pool->run([&] {
      frys::task_group g;
      for (int i = 0; i < 20; ++i)
        REQUIRE(g.run([i] {
          frys::task_group inner;
          if (!inner.run([i] { throw i; })) std::abort();
          int caught = -1;
          try {
            inner.wait();
          } catch (int which) {
            caught = which;
          }
          if (caught != i) std::abort();
          if (i % 7 == 3) throw std::string("of the outer one");
        }));
      CHECK_THROWS_WITH(g.wait(), "of the outer one");
    });
}

TEST_CASE("task_group: the first exception comes out of wait, and what has not begun does not run") {
  for (unsigned budget : {0u, 1u}) {
    auto pool = group_pool(0);
    pool->run([&] {
      frys::task_group g(budget);
      int runs = 0;
      // Without a budget the newest runs first, with one the oldest.
      if (budget != 0) REQUIRE(g.run([] { throw std::string("one"); }));
      for (int i = 0; i < 5; ++i) REQUIRE(g.run([&] { ++runs; }));
      if (budget == 0) REQUIRE(g.run([] { throw std::string("one"); }));
      CHECK_THROWS_WITH(g.wait(), "one");
      CHECK(runs == 0);
      g.wait();
      REQUIRE(g.run([&] { runs = 100; }));
      g.wait();
      CHECK(runs == 100);
    });
  }
}
#endif
