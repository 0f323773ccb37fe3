// The code of docs/io.md, and what docs/queue.md has of coroutines, run.
#include <doctest/doctest.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include <frys/io/choose.hpp>
#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/when_any.hpp>

namespace {

// [region echo]
// One connection: what arrives goes back, until the peer has finished.
template <class Reactor>
frys::task<> echo(Reactor& reactor, frys::stream_socket peer) {
  for (;;) {
    auto data = co_await reactor.recv(peer);                    // a leased buffer
    if (!data || data->empty()) co_return;                      // broken, or finished
    auto sent = co_await reactor.send(peer, *std::move(data));  // all of it; the buffer goes home by itself
    if (!sent) co_return;
  }
}

template <class Reactor>
frys::task<> serve(Reactor& reactor, frys::listener& door, frys::task_scope& connections) {
  for (;;) {
    auto peer = co_await reactor.accept(door);
    if (peer)
      connections.spawn(echo(reactor, *std::move(peer)));
    else if (peer.error() == frys::errc::cancelled)
      co_return;  // the door was closed
  }
}
// [endregion echo]

// [region save]
// The same text is asynchronous on io_uring and plain system calls on epoll.
template <class Files>
frys::task<frys::result<void>> save(Files& files, std::string_view name, frys::buffer data) {
  auto file = files.open(name, frys::open_mode::create);
  if (!file) co_return file.error();
  auto written = co_await files.write(*file, std::move(data), 0);
  if (!written) co_return written.error();
  auto synced = co_await files.sync(*file);  // now it survives a power cut,
  if (!synced) co_return synced.error();
  co_return files.sync_directory("");  // and so does its name
}
// [endregion save]

// [region first_of_two]
// The answer of the faster of two peers, or none within a second. The other receive is withdrawn: bytes that come to it
// later stay in its socket.
template <class Reactor>
frys::task<frys::result<frys::buffer>> first_answer(Reactor& reactor, frys::stream_socket& a, frys::stream_socket& b) {
  auto until = frys::deadline::after<frys::clocks::steady>(std::chrono::seconds(1));
  auto first = co_await frys::with_timeout(reactor, frys::when_any(reactor.recv(a), reactor.recv(b)), until);
  if (!first) co_return first.error();
  co_return std::visit([](auto& data) { return std::move(data); }, *first);
}
// [endregion first_of_two]

// [region await]
// Other threads push; the coroutine waits for them, and its reactor does other things meanwhile.
using number_queue = frys::awaiting<frys::mpmc_ring<int, frys::policy::capacity<4>>>;

template <class Reactor>
frys::task<long> add_up(Reactor& reactor, number_queue& numbers) {
  long sum = 0;
  for (;;) {
    auto number = co_await numbers.pop(reactor);
    if (!number) co_return sum;  // closed, and nothing is left
    sum += *number;
  }
}
// [endregion await]

}  // namespace

TEST_CASE("docs/queue: a coroutine waits for what a thread pushes") {
  auto ran = frys::with_reactor({}, [](auto& reactor) {
    number_queue numbers;
    std::thread other([&numbers] {
      for (int i = 1; i <= 1000;) {
        if (numbers.try_push(int{i}))
          ++i;
        else
          std::this_thread::yield();
      }
      numbers.close();
    });
    CHECK(frys::sync_wait(reactor, add_up(reactor, numbers)) == 500500);
    other.join();
  });
  CHECK(ran.has_value());
}

TEST_CASE("docs/io: the echo server echoes") {
  auto ran = frys::with_reactor({}, [](auto& reactor) {
    auto door = frys::listener::bind({.address = "127.0.0.1"});
    REQUIRE(door.has_value());
    frys::task_scope connections;
    connections.spawn(serve(reactor, *door, connections));
    auto client = [](auto& r, std::uint16_t port) -> frys::task<std::string> {
      auto s = co_await frys::connect(r, "127.0.0.1", port);
      CHECK(s.has_value());
      auto sent = co_await r.send(*s, *frys::buffer::copy_of(frys::as_bytes("hello")));
      CHECK(sent.has_value());
      auto got = co_await r.recv(*s);
      CHECK(got.has_value());
      co_return std::string(got->text());
    };
    CHECK(frys::sync_wait(reactor, client(reactor, door->port())) == "hello");
    door->close();
    auto join = [](frys::task_scope& s) -> frys::task<> { co_await s.join(); };
    frys::sync_wait(reactor, join(connections));
  });
  CHECK(ran.has_value());
}

TEST_CASE("docs/io: the file is saved") {
  char root[] = "/tmp/frys-docs-XXXXXX";
  REQUIRE(::mkdtemp(root) != nullptr);
  auto ran = frys::with_reactor({.root = root}, [](auto& reactor) {
    auto done = frys::sync_wait(reactor, save(reactor.files(), "note", *frys::buffer::copy_of(frys::as_bytes("text"))));
    CHECK(done.has_value());
    CHECK(reactor.files().remove("note").has_value());
  });
  CHECK(ran.has_value());
  ::rmdir(root);
}

TEST_CASE("docs: the faster of two peers is the answer") {
  auto ran = frys::with_reactor({}, [](auto& reactor, std::string_view) {
    int one[2] = {-1, -1}, two[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0);
    auto a = frys::stream_socket::adopt(one[0]), b = frys::stream_socket::adopt(two[0]);
    REQUIRE(::write(two[1], "fast", 4) == 4);
    auto answer = frys::sync_wait(reactor, first_answer(reactor, a, b));
    REQUIRE(answer.has_value());
    CHECK(answer->text() == "fast");
    ::close(one[1]);
    ::close(two[1]);
  });
  CHECK(ran.has_value());
}
