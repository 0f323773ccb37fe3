// What a scheduler does for a piece of work, under an operator new that counts: after warm-up nobody calls it.
#include "../memory/count_new.hpp"

#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>

namespace {

struct quiet_post : frys::work {
  std::atomic<int>* left = nullptr;
  quiet_post() : frys::work([](frys::work& w) noexcept { static_cast<quiet_post&>(w).left->fetch_sub(1); }) {}
};

int quiet_fib(int n) {
  if (n < 2) return n;
  const auto both = frys::join([&] { return quiet_fib(n - 1); }, [&] { return quiet_fib(n - 2); });
  return both.first + both.second;
}

// The calls of the threads that work for the pool, and of this one.
template <class Pool>
std::size_t calls_of_all(Pool& pool) {
  std::atomic<std::size_t> calls{new_calls};
  for (unsigned w = 0; w < pool.workers(); ++w)
    REQUIRE(pool.submit([&] { calls += new_calls; }, {.worker = w}));
  REQUIRE(pool.drain());
  return calls;
}

template <class Pool>
void works_without_new() {
  frys::scheduler_options o;
  o.workers = 2;
  auto pool = *Pool::create(o);
  std::array<quiet_post, 64> posts;
  const auto round = [&] {
    std::atomic<int> left{2 * 64 + 64 * 2};
    for (auto& p : posts) p.left = &left;
    for (int i = 0; i < 64; ++i)
      REQUIRE(pool->submit([&] {
        REQUIRE(pool->submit([&] { --left; }));
        --left;
      }));
    for (auto& p : posts) pool->post(p);
    pool->run([&] {
      for (int i = 0; i < 64; ++i) REQUIRE(pool->submit([&] { --left; }));
      CHECK(quiet_fib(12) == 144);
    });
    while (left != 0) std::this_thread::yield();
    std::atomic<int> sum{0};
    REQUIRE(pool->submit([&] { sum = quiet_fib(12); }));
    REQUIRE(pool->drain());
    CHECK(sum == 144);
  };
  for (int i = 0; i < 20; ++i) round();
  const std::size_t before = calls_of_all(*pool);
  for (int i = 0; i < 50; ++i) round();
  CHECK(calls_of_all(*pool) == before);
}

}  // namespace

TEST_CASE("no malloc: submit, post, run and join do without it after warm-up") {
  const std::size_t at_start = new_calls;
  works_without_new<frys::scheduler<>>();
  CHECK(new_calls > at_start);  // the counter counts: the workers themselves
  works_without_new<frys::scheduler<frys::policy::discipline<frys::discipline::work_sharing>>>();
  works_without_new<frys::scheduler<frys::policy::promotion<frys::promotion::eager>>>();
  works_without_new<frys::scheduler<frys::policy::trace<frys::trace::ring<64>>, frys::policy::levels<3>>>();
}
