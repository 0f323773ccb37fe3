// frys' fork-join for coroutines: as many workers as threads, the caller sleeps.
#pragma once
#include <frys/sched/forked.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace {
struct frys_forked {
  static constexpr const char* name = "frys forked";
  static constexpr bool caller_works = false;
  std::unique_ptr<frys::scheduler<>> pool;
  explicit frys_forked(unsigned threads) : pool(frys::scheduler<>::create({.workers = threads}).value()) {}
  static frys::task<std::uint64_t> task_fib(unsigned n) {
    if (n < 2) co_return n;
    frys::forked second(task_fib(n - 2));
    const std::uint64_t first = co_await task_fib(n - 1);
    co_return first + co_await second;
  }
  frys::task<std::uint64_t> fib_there(unsigned n) {
    co_await pool->schedule();
    co_return co_await task_fib(n);
  }
  std::uint64_t fib(unsigned n) { return frys::sync_wait(fib_there(n)); }
};
}  // namespace
