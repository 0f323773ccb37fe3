#include "workload.hpp"

#if __has_include(<boost/asio/awaitable.hpp>)
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace {
using boost::asio::awaitable;
awaitable<std::uint64_t> leaf(std::uint64_t i) { co_return i; }
awaitable<std::uint64_t> run(std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += co_await leaf(i);
  co_return sum;
}
awaitable<std::uint64_t> fib(unsigned n) {
  if (n < 2) co_return n;
  const std::uint64_t a = co_await fib(n - 1);
  co_return a + co_await fib(n - 2);
}
std::uint64_t wait(awaitable<std::uint64_t> task) {
  boost::asio::io_context context;
  std::uint64_t answer = 0;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr, std::uint64_t value) { answer = value; });
  context.run();
  return answer;
}
}  // namespace

BENCH_CONTENDER("boost::asio") {
  return calls(
      settings, [](std::size_t n) { return wait(run(n)); }, [](unsigned n) { return wait(fib(n)); });
}
#else
BENCH_MISSING("boost::asio", "libboost-dev")
#endif
