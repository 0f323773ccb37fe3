#include <doctest/doctest.h>

// asio is built with exceptions and RTTI.
#if __has_include(<asio.hpp>) && defined(__cpp_exceptions) && defined(__cpp_rtti)
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>
#include <frys/with/asio.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "../sched/stop_gate.hpp"

namespace {

using frys::result;
using frys::task;
using frys::use_frys;
using tcp = asio::ip::tcp;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST_CASE("use_frys: a timer of asio is awaited in a task") {
  asio::io_context io;
  asio::steady_timer timer(io, milliseconds(1));
  bool through = false;
  frys::spawn([](asio::steady_timer& t, bool& end) -> task<> {
    const result<void> r = co_await t.async_wait(use_frys);
    CHECK(r.has_value());
    end = true;
  }(timer, through));
  CHECK_FALSE(through);
  io.run();
  CHECK(through);
}

TEST_CASE("use_frys: bytes over a socket, and its end") {
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket client(io), server(io);
  std::string got;
  bool ended = false;
  frys::spawn([](tcp::acceptor& a, tcp::socket& s, std::string& into, bool& end) -> task<> {
    REQUIRE(static_cast<bool>(co_await a.async_accept(s, use_frys)));
    char room[16];
    for (;;) {
      const result<std::size_t> n = co_await s.async_read_some(asio::buffer(room), use_frys);
      if (!n) {
        end = n.error() == frys::errc::closed;
        co_return;
      }
      into.append(room, *n);
    }
  }(acceptor, server, got, ended));
  frys::spawn([](tcp::socket& s, tcp::endpoint to) -> task<> {
    REQUIRE(static_cast<bool>(co_await s.async_connect(to, use_frys)));
    const result<std::size_t> n = co_await asio::async_write(s, asio::buffer("hello", 5), use_frys);
    CHECK(*n == 5);
    s.close();
  }(client, acceptor.local_endpoint()));
  io.run();
  CHECK(got == "hello");
  CHECK(ended);
}

TEST_CASE("use_frys: a stop from another thread cancels the operation") {
  asio::io_context io;
  asio::steady_timer timer(io, hours(1));
  frys::stop_source stop;
  std::thread loop([&] {
    const auto keep = asio::make_work_guard(io);
    io.run();
  });
  auto waits = [](asio::steady_timer& t) -> task<result<void>> { co_return co_await t.async_wait(use_frys); };
  std::thread asks([&] { stop.request_stop(); });
  const result<void> r = frys::sync_wait(waits(timer), stop.token());
  asks.join();
  io.stop();
  loop.join();
  CHECK(r.error() == frys::errc::cancelled);
}

TEST_CASE("use_frys: the loser of when_any is cancelled and waited for") {
  asio::io_context io;
  asio::steady_timer soon(io, milliseconds(1)), late(io, hours(1));
  std::size_t index = 9;
  frys::spawn([](asio::steady_timer& a, asio::steady_timer& b, std::size_t& into) -> task<> {
    const auto first = co_await frys::when_any(b.async_wait(use_frys), a.async_wait(use_frys));
    into = first.index();
  }(soon, late, index));
  io.run();
  CHECK(index == 1);
}

// Asio 1.22 knows coroutines of g++ alone.
#if defined(ASIO_HAS_CO_AWAIT)
TEST_CASE("async_run: a task is awaited in a coroutine of asio") {
  asio::io_context io;
  int got = 0;
  auto body = [](asio::io_context& on) -> task<int> {
    asio::steady_timer timer(on, milliseconds(1));
    (void)co_await timer.async_wait(use_frys);
    co_return 5;
  };
  asio::co_spawn(
      io,
      [](asio::io_context& on, auto make, int& into) -> asio::awaitable<void> {
        into = co_await frys::async_run(make(on), asio::use_awaitable);
      }(io, body, got),
      asio::detached);
  io.run();
  CHECK(got == 5);
}

#endif

TEST_CASE("async_run: with a callback, and a cancellation that asks the task to stop") {
  asio::io_context io;
  sched_tests::gate at;
  asio::cancellation_signal signal;
  bool went = true, called = false;
  auto body = [](sched_tests::gate& g) -> task<bool> { co_return static_cast<bool>(co_await g.wait()); };
  frys::async_run(body(at), asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, bool answer) {
                    CHECK(failure == nullptr);
                    went = answer;
                    called = true;
                  }));
  CHECK(at.waits());
  signal.emit(asio::cancellation_type::terminal);
  CHECK(called);
  CHECK_FALSE(went);
}

#if defined(ASIO_HAS_CO_AWAIT)
TEST_CASE("async_run: an exception of the task arrives in the coroutine of asio") {
  asio::io_context io;
  bool caught = false;
  auto throws = []() -> task<> {
    throw std::runtime_error("in a task");
    co_return;
  };
  asio::co_spawn(
      io,
      [](auto make, bool& into) -> asio::awaitable<void> {
        try {
          co_await frys::async_run(make(), asio::use_awaitable);
        } catch (const std::runtime_error&) {
          into = true;
        }
      }(throws, caught),
      asio::detached);
  io.run();
  CHECK(caught);
}
#endif

}  // namespace
#endif
