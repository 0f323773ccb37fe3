#include "workload.hpp"

#include <functional>

namespace {
std::function<std::uint64_t()> __attribute__((noinline)) leaf(std::uint64_t i) {
  return [i, pad = std::uint64_t{0}, more = std::uint64_t{0}] { return i + pad + more; };  // on the heap, as a frame is
}
std::function<std::uint64_t()> fib(unsigned n) {
  return [n, pad = std::uint64_t{0}, more = std::uint64_t{0}]() -> std::uint64_t {
    return n < 2 ? n + pad + more : fib(n - 1)() + fib(n - 2)();
  };
}
}  // namespace

BENCH_CONTENDER("std::function") {
  return calls(
      settings,
      [](std::size_t n) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += leaf(i)();
        return sum;
      },
      [](unsigned n) { return fib(n)(); });
}
