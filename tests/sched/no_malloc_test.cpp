// What a scheduler does for a piece of work, and where the frames of tasks come from, under an operator new that
// counts.
#include "../memory/count_new.hpp"

#include <frys/memory/arena.hpp>
#include <frys/memory/process_heap.hpp>
#include <frys/sched/frame_cache.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

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
  for (unsigned w = 0; w < pool.workers(); ++w) REQUIRE(pool.submit([&] { calls += new_calls; }, {.worker = w}));
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

namespace {

using frys::task;

FRYS_NOINLINE task<int> plain_child(int n) { co_return n + 1; }
task<int> plain_parent(int times) {
  int sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await plain_child(i);
  co_return sum;
}

// Counts what it gives and takes back; refuses what is more than `room` bytes.
struct counting_frames {
  std::size_t room = ~std::size_t{0}, in_use = 0, calls = 0;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    CHECK(alignment == __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    if (size > room - in_use) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no room", 0};
    ++calls;
    in_use += size;
    return frys::process_heap::allocate(size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    in_use -= size;
    frys::process_heap::deallocate(memory, size, alignment);
  }
};
template <class A>
FRYS_NOINLINE task<int> child_from(std::allocator_arg_t, A&, int n) {
  co_return n + 1;
}
template <class A>
task<int> parent_from(std::allocator_arg_t, A& from, int times) {
  int sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await child_from(std::allocator_arg, from, i);
  co_return sum;
}

struct with_member {
  int base;
  FRYS_NOINLINE task<int> member(std::allocator_arg_t, counting_frames&, int n) { co_return base + n; }
};

template <class T>
using heap_task = frys::basic_task<T, frys::policy::allocator<frys::process_heap>>;
FRYS_NOINLINE heap_task<int> heap_child(int n) { co_return n + 1; }
heap_task<int> heap_parent(int times) {
  int sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await heap_child(i);
  co_return sum;
}

TEST_CASE("task: with a frame_cache, tasks begin and end without operator new") {
  frys::frame_cache cache;
  CHECK(frys::sync_wait(plain_parent(10)) == 55);
  const std::size_t before = new_calls;
  CHECK(frys::sync_wait(plain_parent(1000)) == 500500);
  CHECK(new_calls == before);
  void* const counted = ::operator new(1);  // the counter counts
  ::operator delete(counted);
  CHECK(new_calls == before + 1);
}

TEST_CASE("task: frames from an arena, and none from operator new") {
  frys::arena<> arena;
  CHECK(frys::sync_wait(parent_from(std::allocator_arg, arena, 3)) == 6);
  const std::size_t before = new_calls;
  task<int> held = parent_from(std::allocator_arg, arena, 100);
  CHECK(new_calls == before);
  frys::frame_cache cache;  // for sync_wait's own frame
  CHECK(frys::sync_wait(std::move(held)) == 5050);
  CHECK(new_calls == before + 1);
}

TEST_CASE("task: an allocator among the parameters gets each frame back, with its size") {
  counting_frames from;
  CHECK(frys::sync_wait(parent_from(std::allocator_arg, from, 10)) == 55);
  CHECK(from.calls == 11);
  CHECK(from.in_use == 0);
  {
    task<int> never_started = child_from(std::allocator_arg, from, 1);
    CHECK(from.in_use > 0);
    task<int> moved = std::move(never_started);
    CHECK(from.calls == 12);
  }
  CHECK(from.in_use == 0);
}

TEST_CASE("task: a member function and a lambda take an allocator, too") {
  counting_frames from;
  with_member m{40};
  CHECK(frys::sync_wait(m.member(std::allocator_arg, from, 2)) == 42);
  CHECK(from.calls == 1);
  const auto lambda = [](std::allocator_arg_t, counting_frames&, int n) -> task<int> { co_return n; };
  task<int> held = lambda(std::allocator_arg, from, 7);
  CHECK(from.calls == 2);
  CHECK(frys::sync_wait(std::move(held)) == 7);
}

TEST_CASE("task: an allocator that refuses answers an empty task") {
  counting_frames from;
  from.room = 0;
  const task<int> none = child_from(std::allocator_arg, from, 1);
  CHECK_FALSE(static_cast<bool>(none));
  CHECK(from.in_use == 0);
}

TEST_CASE("basic_task: its frames come from its policy's allocator, and it is awaited as a task") {
  CHECK(frys::sync_wait(heap_parent(10)) == 55);
  frys::frame_cache cache;
  frys::sync_wait(plain_child(1));
  const std::size_t before = new_calls;
  CHECK(frys::sync_wait(heap_parent(100)) == 5050);
  CHECK(new_calls <= before + 1);  // sync_wait's own frame
  task<int> as_a_task = heap_child(4);
  CHECK(frys::sync_wait(std::move(as_a_task)) == 5);
  heap_task<int> none;
  CHECK_FALSE(static_cast<bool>(none));
}

}  // namespace
