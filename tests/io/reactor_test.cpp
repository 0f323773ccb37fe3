// Every reactor keeps the same promises.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <frys/sched/task.hpp>

#include "reactors.hpp"

namespace {

using frys::buffer;
using frys::buffer_chain;
using frys::deadline;
using frys::errc;
using frys::nanoseconds;
using frys::result;
using frys::stream_socket;
using frys::task;
using io_tests::bytes_of;
using io_tests::listen_somewhere;
using io_tests::pair;

bool worked(const auto& answer) { return answer.has_value(); }

template <class R>
task<result<std::string>> recv_all(R& r, stream_socket& s) {
  std::string out;
  for (;;) {
    result<buffer> got = co_await r.recv(s);
    if (!got) co_return got.error();
    if (got->empty()) co_return out;
    out += got->text();
  }
}
template <class R>
task<> echo(R& r, stream_socket s) {
  for (;;) {
    result<buffer> got = co_await r.recv(s);
    if (!got || got->empty()) co_return;
    if (!co_await r.send(s, *std::move(got))) co_return;
  }
}
template <class R>
task<> serve(R& r, frys::listener& l, frys::task_scope& scope, int count) {
  for (int i = 0; i < count; ++i) {
    result<stream_socket> s = co_await r.accept(l);
    CHECK(s.has_value());
    if (!s) co_return;
    scope.spawn(echo(r, *std::move(s)));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("reactor: echoes over TCP", R, REACTORS) {
  MAKE(r);
  frys::listener l = listen_somewhere();
  frys::task_scope scope;
  scope.spawn(serve(r, l, scope, 1));
  auto client = [](R& at, std::uint16_t port) -> task<std::string> {
    auto s = co_await frys::connect(at, "127.0.0.1", port);
    CHECK(s.has_value());
    if (!s) co_return "";
    std::string out;
    for (const char* word : {"one", "two", "three"}) {
      auto sent = co_await at.send(*s, bytes_of(word));
      CHECK(sent.value_or(0u) == std::string_view(word).size());
      auto got = co_await at.recv(*s);
      CHECK(got.has_value());
      if (got) out += got->text();
    }
    CHECK(s->shutdown_send().has_value());
    auto end = co_await at.recv(*s);
    CHECK(end.has_value());
    CHECK(end->empty());
    co_return out;
  };
  CHECK(frys::sync_wait(r, client(r, l.port())) == "onetwothree");
}

TEST_CASE_TEMPLATE("reactor: a large send arrives whole through a small socket buffer", R, REACTORS) {
  MAKE(r);
  pair p;
  const int small = 4096;
  ::setsockopt(p.a.native_handle(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  std::string big(1 << 20, 'x');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  frys::task_scope scope;
  SUBCASE("one buffer") {
    scope.spawn([](R& at, stream_socket& s, std::string_view data) -> task<> {
      auto sent = co_await at.send(s, bytes_of(data));
      CHECK(sent.value_or(0u) == data.size());
      s.close();
    }(r, p.a, big));
    auto got = frys::sync_wait(r, recv_all(r, p.b));
    CHECK(got.has_value());
    CHECK((*got == big));
  }
  SUBCASE("a chain of 500 pieces") {
    scope.spawn([](R& at, stream_socket& s, std::string_view data) -> task<> {
      buffer_chain chain;
      const std::size_t piece = data.size() / 500 + 1;
      for (std::size_t i = 0; i < data.size(); i += piece)
        CHECK(chain.append(bytes_of(data.substr(i, piece))).has_value());
      auto sent = co_await at.send(s, std::move(chain));
      CHECK(sent.value_or(0u) == data.size());
      s.close();
    }(r, p.a, big));
    auto got = frys::sync_wait(r, recv_all(r, p.b));
    CHECK(got.has_value());
    CHECK((*got == big));
  }
}

TEST_CASE_TEMPLATE("reactor: try_send takes what fits, and a send brings the rest", R, REACTORS) {
  MAKE(r);
  pair p;
  std::string big(4 << 20, 'x');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  buffer_chain chain;
  REQUIRE(chain.append(bytes_of("head")));
  CHECK(r.try_send(p.a, chain).value_or(false));  // all of it
  CHECK(chain.empty());
  REQUIRE(chain.append(bytes_of(big)));
  const result<bool> some = r.try_send(p.a, chain);
  REQUIRE(some.has_value());
  CHECK_FALSE(*some);
  CHECK(chain.size() < big.size());
  CHECK_FALSE(chain.empty());
  frys::task_scope scope;
  scope.spawn([](R& at, stream_socket& s, buffer_chain rest) -> task<> {
    const std::size_t size = rest.size();
    auto sent = co_await at.send(s, std::move(rest));
    CHECK(sent.value_or(0u) == size);
    s.close();
  }(r, p.a, std::move(chain)));
  buffer_chain more;
  REQUIRE(more.append(bytes_of("no")));
  const result<bool> second = r.try_send(p.a, more);  // would overtake the send
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == errc::busy);
  CHECK(more.size() == 2);
  auto got = frys::sync_wait(r, recv_all(r, p.b));
  REQUIRE(got.has_value());
  CHECK((*got == "head" + big));
  const result<bool> closed = r.try_send(p.a, more);
  CHECK((!closed && closed.error() == errc::closed));
}

TEST_CASE_TEMPLATE("reactor: a peer that has gone is an error of try_send", R, REACTORS) {
  MAKE(r);
  pair p;
  p.b.close();
  buffer_chain chain;
  REQUIRE(chain.append(bytes_of("into the void")));
  const result<bool> sent = r.try_send(p.a, chain);
  CHECK_FALSE(sent.has_value());
}

TEST_CASE_TEMPLATE("reactor: what a handler posts to its own loop runs in the same turn", R, REACTORS) {
  MAKE(r);
  pair p;
  struct note : frys::work {
    int runs = 0;
    note() noexcept {
      run = [](frys::work& w) noexcept { ++static_cast<note&>(w).runs; };
    }
  } posted;
  frys::task_scope scope;
  scope.spawn([](R& at, stream_socket& s, note& n) -> task<> {
    auto got = co_await at.recv(s);
    CHECK(got.has_value());
    at.post(n);
  }(r, p.a, posted));
  std::thread sender([&p] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that the loop sleeps
    CHECK(::send(p.b.native_handle(), "x", 1, MSG_NOSIGNAL) == 1);
  });
  while (!scope.empty()) static_cast<void>(r.run_once(deadline::never()));
  CHECK(posted.runs == 1);
  sender.join();
}

TEST_CASE_TEMPLATE("reactor: data and end that come together both arrive", R, REACTORS) {
  MAKE(r);
  pair p;
  frys::task_scope scope;
  std::string got;
  bool ended = false;
  scope.spawn([](R& at, stream_socket& s, std::string& out, bool& end) -> task<> {
    auto all = co_await recv_all(at, s);
    CHECK(all.has_value());
    out = *all;
    end = true;
  }(r, p.b, got, ended));
  REQUIRE(::write(p.a.native_handle(), "last", 4) == 4);
  p.a.close();
  for (int i = 0; i < 100 && !ended; ++i)
    static_cast<void>(r.run_once(deadline::after<frys::clocks::steady>(nanoseconds{10'000'000})));
  CHECK(ended);
  CHECK(got == "last");
}

TEST_CASE_TEMPLATE("reactor: a reset connection is an error, and only its own", R, REACTORS) {
  MAKE(r);
  frys::listener l = listen_somewhere();
  auto body = [](R& at, frys::listener& from) -> task<> {
    auto client = co_await at.connect("127.0.0.1", from.port());
    CHECK(client.has_value());
    auto server = co_await at.accept(from);
    CHECK(server.has_value());
    const ::linger hard{1, 0};
    ::setsockopt(client->native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client->close();  // sends a reset
    auto got = co_await at.recv(*server);
    CHECK_FALSE(got.has_value());
    if (!got) CHECK(got.error() == errc::connection_reset);
    auto sent = co_await at.send(*server, bytes_of("too late"));
    CHECK_FALSE(sent.has_value());
    if (!sent) CHECK(sent.error() == errc::connection_reset);
  };
  frys::sync_wait(r, body(r, l));
}

TEST_CASE_TEMPLATE("reactor: a refused connection says so, and so does a bad address", R, REACTORS) {
  MAKE(r);
  std::uint16_t port = 0;
  {
    frys::listener l = listen_somewhere();
    port = l.port();
  }
  auto body = [](R& at, std::string_view address, std::uint16_t to) -> task<errc> {
    auto s = co_await at.connect(address, to);
    CHECK_FALSE(s.has_value());
    co_return s ? errc::io_failed : s.error().code;
  };
  CHECK(frys::sync_wait(r, body(r, "127.0.0.1", port)) == errc::connection_refused);
  CHECK(frys::sync_wait(r, body(r, "no number", port)) == errc::invalid_argument);
}

TEST_CASE_TEMPLATE("reactor: closing a socket cancels what waits on it", R, REACTORS) {
  MAKE(r);
  pair p;
  frys::listener l = listen_somewhere();
  int cancelled = 0;
  frys::task_scope scope;
  auto receives = [](R& at, stream_socket& s, int& n) -> task<> {
    auto got = co_await at.recv(s);
    if (!got && got.error() == errc::cancelled) ++n;
  };
  auto accepts = [](R& at, frys::listener& from, int& n) -> task<> {
    auto got = co_await at.accept(from);
    if (!got && got.error() == errc::cancelled) ++n;
  };
  auto sends = [](R& at, stream_socket& s, int& n) -> task<> {
    auto sent = co_await at.send(s, bytes_of(std::string(8 << 20, 's')));
    if (!sent && sent.error() == errc::cancelled) ++n;
  };
  scope.spawn(receives(r, p.a, cancelled));
  scope.spawn(sends(r, p.a, cancelled));
  scope.spawn(accepts(r, l, cancelled));
  static_cast<void>(r.run_once(deadline::now()));
  CHECK(scope.size() == 3);
  p.a.close();
  l.close();
  CHECK(cancelled == 0);  // not inside close, but in the loop
  for (int i = 0; i < 100 && !scope.empty(); ++i) static_cast<void>(r.run_once(deadline::now()));
  CHECK(cancelled == 3);
  CHECK(scope.empty());
}

TEST_CASE_TEMPLATE("reactor: an operation on a closed socket fails, and a second one of a kind is refused", R,
                   REACTORS) {
  MAKE(r);
  pair p;
  frys::task_scope scope;
  scope.spawn([](R& at, stream_socket& s) -> task<> { (void)co_await at.recv(s); }(r, p.a));
  auto second = [](R& at, stream_socket& s) -> task<errc> {
    auto got = co_await at.recv(s);
    co_return got ? errc::io_failed : got.error().code;
  };
  CHECK(frys::sync_wait(r, second(r, p.a)) == errc::busy);
  stream_socket closed;
  CHECK(frys::sync_wait(r, second(r, closed)) == errc::closed);
  scope.cancel();
}

TEST_CASE_TEMPLATE("reactor: a task may be dropped while it waits", R, REACTORS) {
  MAKE(r);
  pair p;
  frys::listener l = listen_somewhere();
  {
    frys::task_scope scope;
    scope.spawn([](R& at, stream_socket& s) -> task<> { (void)co_await at.recv(s); }(r, p.a));
    scope.spawn([](R& at, stream_socket& s) -> task<> {
      (void)co_await at.send(s, bytes_of(std::string(8 << 20, 'd')));
    }(r, p.b));
    scope.spawn([](R& at, frys::listener& from) -> task<> { (void)co_await at.accept(from); }(r, l));
    scope.spawn([](R& at) -> task<> { (void)co_await at.sleep_for(nanoseconds{3'600'000'000'000}); }(r));
    scope.spawn([](R& at) -> task<> { co_await at.yield(); }(r));
    static_cast<void>(r.run_once(deadline::now()));
  }
  for (int i = 0; i < 20; ++i) static_cast<void>(r.run_once(deadline::now()));
  // The sockets live on and work: what was sent so far is there.
  auto body = [](R& at, stream_socket& s) -> task<bool> {
    auto got = co_await at.recv(s);
    co_return got.has_value() && !got->empty() && got->text()[0] == 'd';
  };
  CHECK(frys::sync_wait(r, body(r, p.a)));
}

TEST_CASE_TEMPLATE("reactor: posts from threads all run in the loop", R, REACTORS) {
  MAKE(r);
  constexpr int threads = 4, each = 500;
  struct item : frys::work {
    int* sum;
  };
  int sum = 0;
  std::vector<item> items(threads * each);
  for (item& i : items) {
    i.sum = &sum;
    i.run = [](frys::work& w) noexcept { ++*static_cast<item&>(w).sum; };
  }
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t)
    posters.emplace_back([&r, &items, t] {
      for (int i = 0; i < each; ++i) r.post(items[static_cast<std::size_t>(t * each + i)]);
    });
  while (sum != threads * each) static_cast<void>(r.run_once(deadline::never()));
  for (std::thread& t : posters) t.join();
  CHECK(sum == threads * each);
}

TEST_CASE_TEMPLATE("reactor: stop ends run, from another thread and before it began", R, REACTORS) {
  MAKE(r);
  std::thread other([&r] { r.stop(); });
  r.run();
  other.join();
  r.stop();
  r.stop();
  r.run();
}

TEST_CASE_TEMPLATE("reactor: one post after another wakes a loop that sleeps", R, REACTORS) {
  MAKE(r);
  struct step : frys::work {
    std::atomic<int> seen{0};
  } s;
  s.run = [](frys::work& w) noexcept { static_cast<step&>(w).seen.fetch_add(1); };
  std::thread loop([&r] { r.run(); });
  for (int i = 0; i < 200; ++i) {
    r.post(s);
    while (s.seen.load() != i + 1) std::this_thread::yield();
  }
  r.stop();
  loop.join();
  CHECK(s.seen.load() == 200);
}

TEST_CASE_TEMPLATE("reactor: sleepers wake in order, and never early", R, REACTORS) {
  MAKE(r);
  std::vector<int> order;
  frys::task_scope scope;
  auto sleeps = [](R& at, int ms, std::vector<int>& out) -> task<> {
    const deadline until = deadline::after<frys::clocks::steady>(nanoseconds{ms * 1'000'000});
    CHECK(worked(co_await at.sleep_until(until)));
    CHECK(until.template has_passed<frys::clocks::steady>());
    out.push_back(ms);
  };
  for (int ms : {30, 5, 600, 15}) scope.spawn(sleeps(r, ms, order));
  auto join = [](frys::task_scope& s) -> task<> { co_await s.join(); };
  frys::sync_wait(r, join(scope));
  CHECK(order == std::vector<int>{5, 15, 30, 600});
}

TEST_CASE_TEMPLATE("reactor: yield goes on behind all that was ready", R, REACTORS) {
  MAKE(r);
  std::string order;
  frys::task_scope scope;
  auto yields = [](R& at, char name, std::string& out) -> task<> {
    for (int i = 0; i < 3; ++i) {
      out += name;
      co_await at.yield();
    }
  };
  scope.spawn(yields(r, 'a', order));
  scope.spawn(yields(r, 'b', order));
  while (!scope.empty()) static_cast<void>(r.run_once(deadline::never()));
  CHECK(order == "ababab");
}

TEST_CASE_TEMPLATE("reactor: 300 connections at once", R, REACTORS) {
  MAKE(r);
  constexpr int count = 300;
  frys::listener l = listen_somewhere();
  frys::task_scope servers, clients;
  servers.spawn(serve(r, l, servers, count));
  int good = 0;
  auto client = [](R& at, std::uint16_t port, int id, int& ok) -> task<> {
    auto s = co_await at.connect("127.0.0.1", port);
    CHECK(s.has_value());
    if (!s) co_return;
    for (int round = 0; round < 20; ++round) {
      const std::string say = "client " + std::to_string(id) + " round " + std::to_string(round);
      CHECK(worked(co_await at.send(*s, bytes_of(say))));
      std::string heard;
      while (heard.size() < say.size()) {
        auto got = co_await at.recv(*s);
        CHECK(got.has_value());
        if (!got || got->empty()) co_return;
        heard += got->text();
      }
      CHECK(heard == say);
    }
    ++ok;
  };
  for (int i = 0; i < count; ++i) clients.spawn(client(r, l.port(), i, good));
  auto join = [](frys::task_scope& s) -> task<> { co_await s.join(); };
  frys::sync_wait(r, join(clients));
  CHECK(good == count);
  frys::sync_wait(r, join(servers));
}

TEST_CASE_TEMPLATE("reactor: idle connections hold no receive buffer", R, REACTORS) {
  MAKE(r);
  std::vector<std::unique_ptr<pair>> pairs;
  frys::task_scope scope;
  for (int i = 0; i < 200; ++i) {
    pairs.push_back(std::make_unique<pair>());
    scope.spawn([](R& at, stream_socket& s) -> task<> { (void)co_await at.recv(s); }(r, pairs.back()->a));
  }
  for (int i = 0; i < 5; ++i) static_cast<void>(r.run_once(deadline::now()));
  CHECK(r.buffers().leased <= 65);  // what the loop itself keeps at hand, whatever the number of connections
  CHECK(scope.size() == 200);
}

TEST_CASE_TEMPLATE("reactor: more connections at once than there are receive buffers", R, REACTORS) {
  MAKE(r, {.buffer_bytes = 1024, .ring_buffers = 4});
  std::vector<std::unique_ptr<pair>> pairs;
  frys::task_scope scope;
  int got = 0;
  for (int i = 0; i < 100; ++i) {
    pairs.push_back(std::make_unique<pair>());
    scope.spawn([](R& at, stream_socket& s, int& n) -> task<> {
      for (int round = 0; round < 3; ++round) {
        auto b = co_await at.recv(s);
        CHECK(b.has_value());
        if (!b) co_return;
        CHECK(b->text() == "hello");
        ++n;
        co_await at.yield();
      }
    }(r, pairs.back()->a, got));
  }
  for (int round = 1; round <= 3; ++round) {
    for (auto& p : pairs) REQUIRE(::write(p->b.native_handle(), "hello", 5) == 5);
    while (got != 100 * round) static_cast<void>(r.run_once(deadline::never()));
    static_cast<void>(r.run_once(deadline::now()));
  }
  CHECK(got == 300);
}

TEST_CASE_TEMPLATE("reactor: a pool that is used up is an error of that receive, and passes", R, REACTORS) {
  MAKE(r, {.buffer_bytes = 512, .max_buffers = 8, .ring_buffers = 4});
  pair p;
  std::vector<buffer> kept;
  auto take = [](R& at, pair& on, std::vector<buffer>& keep) -> task<errc> {
    for (int i = 0; i < 20; ++i) {
      CHECK(::write(on.b.native_handle(), "x", 1) == 1);
      auto got = co_await at.recv(on.a);
      if (!got) co_return got.error().code;
      keep.push_back(*std::move(got));
    }
    co_return errc::io_failed;
  };
  const errc failed = frys::sync_wait(r, take(r, p, kept));
  CHECK((failed == errc::full || failed == errc::out_of_memory));
  CHECK(kept.size() >= 4);
  kept.clear();
  auto again = [](R& at, stream_socket& s) -> task<bool> { co_return worked(co_await at.recv(s)); };
  CHECK(frys::sync_wait(r, again(r, p.a)));
}

TEST_CASE_TEMPLATE("reactor: a sender that never waits lets others run", R, REACTORS) {
  MAKE(r);
  pair p;
  frys::task_scope scope;
  bool over = false;
  // Both ends in one loop, each always able to go on at once.
  scope.spawn([](R& at, stream_socket& s, bool& end) -> task<> {
    while (!end) (void)co_await at.send(s, bytes_of("tick"));
    s.close();
  }(r, p.a, over));
  scope.spawn([](R& at, stream_socket& s) -> task<> { (void)co_await recv_all(at, s); }(r, p.b));
  struct ender : frys::work {
    bool* flag;
  } e;
  e.flag = &over;
  e.run = [](frys::work& w) noexcept { *static_cast<ender&>(w).flag = true; };
  r.post(e);
  while (!scope.empty()) static_cast<void>(r.run_once(deadline::never()));
  CHECK(over);
}

TEST_CASE_TEMPLATE("reactor: accept goes on when descriptors run out", R, REACTORS) {
  MAKE(r);
  frys::listener l = listen_somewhere();
  ::rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::vector<int> clients;
  const auto connect_blocking = [&l] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(l.port());
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<::sockaddr*>(&at), sizeof at) == 0);
    return fd;
  };
  for (int i = 0; i < 8; ++i) clients.push_back(connect_blocking());
  // Room for three more descriptors.
  const int free_fd = ::dup(0);
  ::close(free_fd);
  ::rlimit tight = before;
  tight.rlim_cur = static_cast<::rlim_t>(free_fd) + 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  int accepted = 0, refused = 0;
  auto body = [](R& at, frys::listener& from, int& ok, int& no) -> task<> {
    std::vector<stream_socket> held;
    while (ok + no < 8) {
      auto s = co_await at.accept(from);
      if (s) {
        held.push_back(*std::move(s));
        ++ok;
      } else {
        CHECK(s.error() == errc::too_many_files);
        ++no;
        if (s.error().code != errc::too_many_files) co_return;
      }
    }
  };
  frys::sync_wait(r, body(r, l, accepted, refused));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(accepted + refused == 8);
  CHECK(accepted >= 1);
  CHECK(refused >= 1);
  for (int fd : clients) ::close(fd);
  clients.assign(1, connect_blocking());
  auto one = [](R& at, frys::listener& from) -> task<bool> { co_return worked(co_await at.accept(from)); };
  CHECK(frys::sync_wait(r, one(r, l)));
  ::close(clients[0]);
}

TEST_CASE_TEMPLATE("reactor: may die before its sockets and its tasks", R, REACTORS) {
  pair p;
  frys::task_scope scope;
  {
    MAKE(r);
    scope.spawn([](R& at, stream_socket& s) -> task<> { (void)co_await at.recv(s); }(r, p.a));
    scope.spawn([](R& at, stream_socket& s) -> task<> {
      (void)co_await at.send(s, bytes_of(std::string(8 << 20, 'z')));
    }(r, p.b));
    scope.spawn([](R& at) -> task<> { (void)co_await at.sleep_for(nanoseconds{3'600'000'000'000}); }(r));
    static_cast<void>(r.run_once(deadline::now()));
  }
  CHECK(p.a.is_open());
}

TEST_CASE_TEMPLATE("reactor: files are written, read and synced", R, REACTORS) {
  char root[] = "/tmp/frys-io-XXXXXX";
  REQUIRE(::mkdtemp(root) != nullptr);
  {
    MAKE(r, {.root = root});
    auto body = [](R& at) -> task<> {
      auto& fs = at.files();
      auto f = fs.open("a", frys::open_mode::create_new);
      CHECK(f.has_value());
      if (!f) co_return;
      auto wrote = co_await fs.write(*f, bytes_of("hello world"), 0);
      CHECK(wrote.value_or(0u) == 11);
      CHECK(worked(co_await fs.write(*f, bytes_of("W"), 6)));
      CHECK(worked(co_await fs.sync(*f)));
      CHECK(fs.size(*f).value_or(0u) == 11);
      auto got = co_await fs.read(*f, bytes_of(std::string(64, '?')), 6);
      CHECK(got.has_value());
      CHECK(got->text() == "World");
      auto end = co_await fs.read(*f, bytes_of("???"), 11);
      CHECK(end.has_value());
      CHECK(end->empty());
      CHECK(fs.truncate(*f, 5).has_value());
      CHECK(fs.sync_directory("").has_value());
      auto again = fs.open("a", frys::open_mode::read);
      CHECK(again.has_value());
      auto refused = co_await fs.write(*again, bytes_of("x"), 0);
      CHECK_FALSE(refused.has_value());
      CHECK(fs.remove("a").has_value());
    };
    frys::sync_wait(r, body(r));
  }
  ::rmdir(root);
}

TEST_CASE_TEMPLATE("reactor: one whose root is missing cannot be made", R, REACTORS) {
  auto made = R::create({.root = "/no/such/root"});
  CHECK_FALSE(made.has_value());
}
