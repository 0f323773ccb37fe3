#include "workload.hpp"

#if __has_include(<asio/experimental/concurrent_channel.hpp>)
#define ASIO_STANDALONE 1
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace {
using signature = void(asio::error_code, std::uint64_t);
template <class Channel>
asio::awaitable<void> give(Channel& to, std::uint64_t n) {
  for (std::uint64_t i = 1; i <= n; ++i) co_await to.async_send(asio::error_code(), i, asio::use_awaitable);
  co_await to.async_send(asio::error_code(), 0, asio::use_awaitable);  // the end: close() would drop what waits
}
template <class Channel>
asio::awaitable<void> take(Channel& from, std::uint64_t& sum) {
  while (const std::uint64_t v = co_await from.async_receive(asio::use_awaitable)) sum += v;
}
std::uint64_t one_thread(std::size_t room, std::size_t n) {
  asio::io_context context(1);
  asio::experimental::channel<signature> queue(context, room);
  std::uint64_t sum = 0;
  asio::co_spawn(context, take(queue, sum), asio::detached);
  asio::co_spawn(context, give(queue, n), asio::detached);
  context.run();
  return sum;
}
}  // namespace

BENCH_CONTENDER("asio::experimental::channel") {
  return values(
      settings, [](std::size_t n) { return one_thread(0, n); }, [](std::size_t n) { return one_thread(64, n); },
      [](std::size_t n, double& wall) {
        asio::io_context contexts[2]{asio::io_context(1), asio::io_context(1)};
        asio::experimental::concurrent_channel<signature> queue(contexts[0], 64);
        std::uint64_t sum = 0;
        wall = bench::on_threads(2, [&](unsigned core) {
          if (core == 0)
            asio::co_spawn(contexts[0], give(queue, n), asio::detached);
          else
            asio::co_spawn(contexts[1], take(queue, sum), asio::detached);
          contexts[core].run();
        });
        return sum;
      });
}
#else
BENCH_MISSING("asio::experimental::channel", "libasio-dev")
#endif
