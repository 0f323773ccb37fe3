#include "workload.hpp"

#include <frys/sched/task.hpp>

// The same tasks on a thread that keeps the memory of frames that have ended.
namespace {
frys::task<std::uint64_t> leaf(std::uint64_t i) { co_return i; }
frys::task<std::uint64_t> run(std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += co_await leaf(i);
  co_return sum;
}
frys::task<std::uint64_t> fib(unsigned n) {
  if (n < 2) co_return n;
  const std::uint64_t a = co_await fib(n - 1);
  co_return a + co_await fib(n - 2);
}
}  // namespace

BENCH_CONTENDER("frys, frame_cache") {
  frys::frame_cache frames;
  return calls(
      settings, [](std::size_t n) { return frys::sync_wait(run(n)); },
      [](unsigned n) { return frys::sync_wait(fib(n)); });
}
