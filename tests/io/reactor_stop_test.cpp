// What the coroutines of every reactor wait for ends when a stop is asked for.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <frys/sched/async_scope.hpp>
#include <frys/sched/cancel.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/when_all.hpp>
#include <frys/sched/when_any.hpp>

#include "reactors.hpp"

namespace {

using frys::async_scope;
using frys::buffer;
using frys::deadline;
using frys::errc;
using frys::nanoseconds;
using frys::result;
using frys::stream_socket;
using frys::task;
using io_tests::bytes_of;
using io_tests::listen_somewhere;

constexpr nanoseconds hour{3'600'000'000'000};

deadline soon() { return deadline::after<frys::clocks::steady>(nanoseconds{5'000'000}); }
deadline long_after() { return deadline::after<frys::clocks::steady>(hour); }

// What the kernel still works on, without the reactor's own alarm.
template <class R>
std::size_t under_way(const R& r) {
  if constexpr (requires { r.operations(); })
    return r.operations() - 1;
  else
    return 0;
}
template <class R>
void turns(R& r, int n) {
  for (int i = 0; i < n; ++i) static_cast<void>(r.run_once(deadline::now()));
}

struct wire : io_tests::pair {
  void say(std::string_view text) const {
    REQUIRE(::write(b.native_handle(), text.data(), text.size()) == static_cast<::ssize_t>(text.size()));
  }
  // What lies in the socket, read without the reactor.
  [[nodiscard]] std::string left() const {
    char room[64];
    const ::ssize_t n = ::recv(a.native_handle(), room, sizeof room, MSG_DONTWAIT);
    return {room, n > 0 ? static_cast<std::size_t>(n) : 0};
  }
};

constexpr errc no_error{};  // no error has this code
template <class Answer>
errc code_of(const Answer& answer) {
  return answer ? no_error : answer.error().code;
}
template <class Wait>
task<> note_code(Wait wait, std::vector<errc>& into) {
  auto answer = co_await std::move(wait);
  into.push_back(code_of(answer));
}
// A coroutine with a token that anybody may destroy where it waits.
class loose {
 public:
  struct promise_type {
    frys::stop_token token;
    template <class... Args>
    explicit promise_type(const frys::stop_token& t, Args&...) noexcept : token(t) {}
    [[nodiscard]] frys::stop_token get_stop_token() const noexcept { return token; }
    loose get_return_object() noexcept { return loose(std::coroutine_handle<promise_type>::from_promise(*this)); }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  loose(loose&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  loose& operator=(loose&&) = delete;
  ~loose() { reset(); }
  void reset() noexcept {
    if (body_) std::exchange(body_, nullptr).destroy();
  }

 private:
  explicit loose(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}
  std::coroutine_handle<promise_type> body_;
};
template <class Wait>
loose listens(frys::stop_token, Wait wait, std::vector<errc>& into) {
  auto answer = co_await std::move(wait);
  into.push_back(code_of(answer));
}

template <class R, class S>
task<> joins(R&, S& scope) {
  (void)co_await scope.join();
}

}  // namespace

TEST_CASE_TEMPLATE("reactor: a stop ends whatever waits, and leaves nothing under way", R, REACTORS) {
  MAKE(r);
  wire one, two;
  frys::listener door = listen_somewhere();
  std::vector<errc> ends;
  async_scope scope;
  CHECK(scope.spawn(note_code(r.recv(one.a), ends)));
  CHECK(scope.spawn(note_code(r.send(two.a, bytes_of(std::string(8 << 20, 's'))), ends)));
  CHECK(scope.spawn(note_code(r.accept(door), ends)));
  CHECK(scope.spawn(note_code(r.sleep_for(hour), ends)));
  SUBCASE("that waits in the kernel") { turns(r, 3); }
  SUBCASE("that the kernel has not seen") {}
  CHECK(ends.empty());
  CHECK(scope.request_stop());
  CHECK(ends.empty());  // not within the request, but in the loop
  frys::sync_wait(r, joins(r, scope));
  CHECK(ends == std::vector<errc>(4, errc::cancelled));
  CHECK(under_way(r) == 0);
  // The sockets and the listener work on.
  one.say("on");
  auto again = [](R& at, wire& w, frys::listener& l) -> task<> {
    auto got = co_await at.recv(w.a);
    CHECK(got.has_value());
    if (got) CHECK(got->text() == "on");
    auto client = co_await at.connect("127.0.0.1", l.port());
    CHECK(client.has_value());
    auto server = co_await at.accept(l);
    CHECK(server.has_value());
  };
  frys::sync_wait(r, again(r, one, door));
}

TEST_CASE_TEMPLATE("reactor: a stop that was asked for before ends a wait, but not what need not wait", R, REACTORS) {
  MAKE(r);
  wire w;
  frys::stop_source source;
  source.request_stop();
  auto body = [](R& at, wire& on) -> task<> {
    on.say("there");
    auto got = co_await at.recv(on.a);
    CHECK(got.has_value());
    if (got) CHECK(got->text() == "there");
    auto none = co_await at.recv(on.a);
    CHECK(code_of(none) == errc::cancelled);
    CHECK(code_of(co_await at.send(on.a, bytes_of("fits"))) == no_error);
    CHECK(code_of(co_await at.sleep_for(hour)) == errc::cancelled);
    CHECK(code_of(co_await at.sleep_until(deadline::now())) == no_error);
    co_await at.yield();
  };
  frys::sync_wait(r, body(r, w), source.token());
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: what came before the stop is the answer, and no byte is lost", R, REACTORS) {
  MAKE(r);
  wire w;
  std::string heard;
  for (int round = 0; round < 40; ++round) {
    async_scope scope;
    CHECK(scope.spawn([](R& at, wire& on, std::string& into) -> task<> {
      auto got = co_await at.recv(on.a);
      if (got)
        into += got->text();
      else
        CHECK(got.error() == errc::cancelled);
    }(r, w, heard)));
    turns(r, round % 3);
    switch (round / 3 % 4) {
      case 0:
        w.say("x");
        CHECK(scope.request_stop());
        break;
      case 1:
        CHECK(scope.request_stop());
        w.say("x");
        break;
      case 2:
        CHECK(scope.request_stop());
        turns(r, 1);  // on the way to the kernel, or through
        w.say("x");
        break;
      default:
        w.say("x");
        turns(r, 1);
        CHECK(scope.request_stop());
        break;
    }
    frys::sync_wait(r, joins(r, scope));
    // What the wait did not answer lies in the socket, not with a reactor that nobody asks.
    heard += w.left();
    CHECK(heard.size() == static_cast<std::size_t>(round + 1));
    CHECK(under_way(r) == 0);
  }
}

TEST_CASE_TEMPLATE("reactor: with_timeout over a receive ends at the deadline, and over one in time at once", R,
                   REACTORS) {
  MAKE(r);
  wire w;
  auto body = [](R& at, wire& on) -> task<> {
    auto late = co_await frys::with_timeout(at, at.recv(on.a), soon());
    CHECK(code_of(late) == errc::timed_out);
    on.say("hello");
    auto in_time = co_await frys::with_timeout(at, at.recv(on.a), long_after());
    CHECK(in_time.has_value());
    if (in_time) CHECK(in_time->text() == "hello");
    on.say("waits");
    auto there = co_await frys::with_timeout(at, at.recv(on.a), long_after());
    CHECK(there.has_value());
    auto slept = co_await frys::with_timeout(at, at.sleep_for(hour), soon());
    CHECK(code_of(slept) == errc::timed_out);
  };
  frys::sync_wait(r, body(r, w));
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: when_any over two receives withdraws the loser's", R, REACTORS) {
  MAKE(r);
  wire one, two;
  auto body = [](R& at, wire& first, wire& second) -> task<> {
    struct writer : frys::work {
      wire* to = nullptr;
    } later;
    later.to = &second;
    later.run = [](frys::work& x) noexcept { static_cast<writer&>(x).to->say("second"); };
    at.post(later);
    auto got = co_await frys::when_any(at.recv(first.a), at.recv(second.a));
    CHECK(got.index() == 1);
    auto& answer = std::get<1>(got);
    CHECK(answer.has_value());
    if (answer) CHECK(answer->text() == "second");
  };
  frys::sync_wait(r, body(r, one, two));
  CHECK(under_way(r) == 0);
  one.say("first");
  turns(r, 3);
  CHECK(one.left() == "first");  // nobody has taken it
}

TEST_CASE_TEMPLATE("reactor: a connection that is not answered can be stopped", R, REACTORS) {
  MAKE(r);
  frys::listener full = listen_somewhere(0);
  std::vector<errc> ends;
  async_scope scope;
  for (int i = 0; i < 8; ++i) CHECK(scope.spawn(note_code(r.connect("127.0.0.1", full.port()), ends)));
  turns(r, 5);
  const std::size_t connected = ends.size();
  CHECK(connected < 8);
  CHECK(scope.request_stop());
  frys::sync_wait(r, joins(r, scope));
  CHECK(ends.size() == 8);
  for (std::size_t i = connected; i < ends.size(); ++i) CHECK(ends[i] == errc::cancelled);
  turns(r, 3);
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: a socket that is closed beside a stop answers once", R, REACTORS) {
  MAKE(r);
  for (int order = 0; order < 4; ++order) {
    wire w;
    std::vector<errc> ends;
    async_scope scope;
    CHECK(scope.spawn(note_code(r.recv(w.a), ends)));
    turns(r, 2);
    if (order == 0) w.a.close();
    CHECK(scope.request_stop());
    if (order == 1) w.a.close();
    if (order == 2) turns(r, 1);
    if (order == 2) w.a.close();
    frys::sync_wait(r, joins(r, scope));
    CHECK(ends == std::vector<errc>{errc::cancelled});
    if (order == 3) w.a.close();
    turns(r, 3);
    CHECK(under_way(r) == 0);
  }
}

TEST_CASE_TEMPLATE("reactor: a wait may be destroyed before the request that stops it has come to the loop", R,
                   REACTORS) {
  MAKE(r);
  wire one, two;
  int ran = 0;
  struct counter : frys::work {
    int* runs = nullptr;
  } before, after;
  for (counter* c : {&before, &after}) {
    c->runs = &ran;
    c->run = [](frys::work& x) noexcept { ++*static_cast<counter&>(x).runs; };
  }
  std::vector<errc> ends;
  frys::stop_source source;
  {
    std::optional<loose> first(std::in_place, listens(source.token(), r.recv(one.a), ends));
    std::optional<loose> second(std::in_place, listens(source.token(), r.sleep_for(hour), ends));
    loose third = listens(source.token(), r.recv(two.a), ends);
    turns(r, 2);
    r.post(before);
    source.request_stop();
    r.post(after);
    first.reset();
    second.reset();
  }
  CHECK(ran == 0);
  static_cast<void>(r.run_once(long_after()));  // does not sleep in front of what was posted
  CHECK(ran == 2);
  CHECK(ends.empty());
  // One that goes on destroys the next, whose request stands behind its own.
  frys::stop_source both;
  std::optional<loose> victim;
  auto ends_other = [](R& at, std::optional<loose>& other) -> task<> {
    CHECK(code_of(co_await at.sleep_for(hour)) == errc::cancelled);
    other.reset();
  };
  async_scope scope;
  frys::stop_callback pass_on(both.token(), [&scope] { (void)scope.request_stop(); });
  CHECK(scope.spawn(ends_other(r, victim)));
  victim.emplace(listens(both.token(), r.sleep_for(hour), ends));
  turns(r, 1);
  both.request_stop();
  frys::sync_wait(r, joins(r, scope));
  CHECK_FALSE(victim.has_value());
  CHECK(ends.empty());
  CHECK(under_way(r) <= 2);  // receives that serve the next one
}

TEST_CASE_TEMPLATE("reactor: a wait takes the place of one that was destroyed while it was withdrawn", R, REACTORS) {
  MAKE(r);
  wire w;
  frys::listener door = listen_somewhere();
  for (int late = 0; late < 3; ++late) {
    std::vector<errc> ends;
    frys::stop_source source;
    loose receives = listens(source.token(), r.recv(w.a), ends),
          accepts = listens(source.token(), r.accept(door), ends);
    turns(r, 2);
    source.request_stop();
    if (late == 1) turns(r, 1);
    receives.reset();
    accepts.reset();
    if (late == 2) turns(r, 2);
    ends.clear();
    loose next = listens({}, r.recv(w.a), ends), guest = listens({}, r.accept(door), ends);
    turns(r, 3);
    CHECK(ends.empty());
    w.say("for the next one");
    auto client = frys::sync_wait(r, r.connect("127.0.0.1", door.port()));
    CHECK(client.has_value());
    while (ends.size() < 2) static_cast<void>(r.run_once(long_after()));
    CHECK(ends == std::vector<errc>(2, no_error));
    turns(r, 2);
    CHECK(under_way(r) == 0);
  }
}

TEST_CASE_TEMPLATE("reactor: with_timeout ends its sleep in the midst of a stop of both", R, REACTORS) {
  MAKE(r);
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<errc> ends;
  async_scope scope;
  for (int i = 0; i < 50; ++i) {
    wires.push_back(std::make_unique<wire>());
    CHECK(scope.spawn([](R& at, wire& w, std::vector<errc>& into) -> task<> {
      into.push_back(code_of(co_await frys::with_timeout(at, at.recv(w.a), long_after())));
    }(r, *wires.back(), ends)));
  }
  turns(r, 2);
  CHECK(scope.request_stop());
  frys::sync_wait(r, joins(r, scope));
  CHECK(ends == std::vector<errc>(50, errc::cancelled));
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: abandon_after keeps its deadline when a stop is asked for", R, REACTORS) {
  MAKE(r);
  struct deaf {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
  };
  std::vector<errc> ends;
  async_scope scope;
  CHECK(scope.spawn([](R& at, std::vector<errc>& into) -> task<> {
    into.push_back(code_of(co_await frys::abandon_after(at, deaf{}, soon())));
  }(r, ends)));
  CHECK(scope.request_stop());
  frys::sync_wait(r, joins(r, scope));
  CHECK(ends == std::vector<errc>{errc::timed_out});
}

TEST_CASE_TEMPLATE("reactor: a request that is still on its way lets a wait that has ended go on with its answer", R,
                   REACTORS) {
  MAKE(r);
  wire w;
  std::vector<errc> ends;
  frys::stop_source source;
  loose waits = listens(source.token(), r.recv(w.a), ends);
  turns(r, 2);
  w.say("now");
  source.request_stop();  // comes to the loop behind the data
  for (int i = 0; i < 100 && ends.empty(); ++i) turns(r, 1);
  CHECK(ends == std::vector<errc>{no_error});
  CHECK(w.left().empty());
}

TEST_CASE_TEMPLATE("reactor: more requests than the kernel takes at once", R, REACTORS) {
  MAKE(r, {.events = 64});
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<errc> ends;
  async_scope scope;
  for (int i = 0; i < 200; ++i) {
    wires.push_back(std::make_unique<wire>());
    CHECK(scope.spawn(note_code(r.recv(wires.back()->a), ends)));
  }
  SUBCASE("before the first turn") {}
  SUBCASE("behind it") { turns(r, 8); }
  CHECK(scope.request_stop());
  frys::sync_wait(r, joins(r, scope));
  CHECK(ends == std::vector<errc>(200, errc::cancelled));
  turns(r, 5);
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: stops from another thread end waits, wake a loop that sleeps, and lose no byte", R,
                   REACTORS) {
  MAKE(r);
  wire w;
  std::string heard;
  int sent = 0, stopped = 0;
  for (int round = 0; round < 300; ++round) {
    frys::stop_source source;
    std::atomic<bool> begun{false};
    std::thread asks([&] {
      while (!begun.load()) std::this_thread::yield();
      source.request_stop();
    });
    const bool speaks = round % 2 == 1;
    auto body = [](R& at, wire& on, std::string& into, std::atomic<bool>& go, bool says) -> task<bool> {
      go.store(true);
      if (says) on.say("y");
      auto got = co_await at.recv(on.a);
      if (got) into += got->text();
      const result<void> slept = co_await at.sleep_for(hour);
      CHECK(code_of(slept) == errc::cancelled);
      co_return !got;
    };
    stopped += frys::sync_wait(r, body(r, w, heard, begun, speaks), source.token()) ? 1 : 0;
    sent += speaks ? 1 : 0;
    asks.join();
    heard += w.left();
  }
  CHECK(stopped >= 150);
  heard += w.left();
  CHECK(heard.size() == static_cast<std::size_t>(sent));
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: data from one thread against stops from another", R, REACTORS) {
  MAKE(r);
  wire w;
  constexpr int rounds = 200;
  std::atomic<frys::stop_source*> current{nullptr};
  std::atomic<int> stopped{0}, said{0}, begun{0};
  const auto until = [](std::atomic<int>& count, int least) {
    for (int seen = count.load(); seen < least; seen = count.load()) count.wait(seen);
  };
  const auto one_more = [](std::atomic<int>& count) {
    count.fetch_add(1);
    count.notify_all();
  };
  std::thread stops([&] {
    for (int i = 1; i <= rounds; ++i) {
      until(begun, i);
      current.load()->request_stop();
      one_more(stopped);
    }
  });
  std::thread talks([&] {
    for (int i = 1; i <= rounds; ++i) {
      until(begun, i);
      w.say("z");
      one_more(said);
    }
  });
  std::string heard;
  for (int i = 1; i <= rounds; ++i) {
    frys::stop_source source;
    current.store(&source);
    auto body = [](R& at, wire& on, std::string& into, auto& begin, std::atomic<int>& count) -> task<> {
      begin(count);
      auto got = co_await at.recv(on.a);
      if (got) into += got->text();
    };
    frys::sync_wait(r, body(r, w, heard, one_more, begun), source.token());
    until(stopped, i);  // the request has returned
    until(said, i);
    heard += w.left();
    CHECK(heard.size() == static_cast<std::size_t>(i));
  }
  stops.join();
  talks.join();
  CHECK(under_way(r) == 0);
}

TEST_CASE_TEMPLATE("reactor: may die before what waits on it and listens; a stop is nothing to it then", R, REACTORS) {
  wire one, two, three;
  std::vector<errc> ends;
  frys::stop_source asked, late;
  std::optional<loose> posted, sleeps, waits, sends;
  {
    MAKE(r);
    waits.emplace(listens(late.token(), r.recv(one.a), ends));
    sends.emplace(listens(late.token(), r.send(three.b, bytes_of(std::string(8 << 20, 'z'))), ends));
    posted.emplace(listens(asked.token(), r.recv(two.a), ends));
    sleeps.emplace(listens(asked.token(), r.sleep_for(hour), ends));
    turns(r, 1);
    asked.request_stop();
  }
  late.request_stop();
  CHECK(ends.empty());
}

#if FRYS_WITH_URING
TEST_CASE("uring_reactor: a file operation is stopped, and its memory is left alone from the answer on") {
  using R = frys::uring_reactor<>;
  char root[] = "/tmp/frys-io-XXXXXX";
  REQUIRE(::mkdtemp(root) != nullptr);
  const std::string pipe = std::string(root) + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);  // a file whose reads wait
  [&] {
    MAKE(r, {.root = root});
    auto f = r.files().open("pipe", frys::open_mode::read_write);
    REQUIRE(f.has_value());
    std::vector<errc> ends;
    const buffer kept = bytes_of("????????");
    for (int round = 0; round < 20; ++round) {
      frys::stop_source source;
      loose reads = listens(source.token(), r.files().read(*f, kept, 0), ends);
      turns(r, round % 3);
      source.request_stop();
      while (ends.empty()) static_cast<void>(r.run_once(deadline::never()));
      CHECK(ends == std::vector<errc>{errc::cancelled});
      CHECK(kept.is_unique());
      CHECK(r.operations() == 1);  // its own alarm
      REQUIRE(::write(f->native_handle(), "!", 1) == 1);
      turns(r, 3);
      CHECK(kept.text() == "????????");
      char back = 0;
      CHECK(::read(f->native_handle(), &back, 1) == 1);
      ends.clear();
    }
    // What has been read is the answer.
    frys::stop_source source;
    loose reads = listens(source.token(), r.files().read(*f, bytes_of("?"), 0), ends);
    turns(r, 1);
    REQUIRE(::write(f->native_handle(), "!", 1) == 1);
    source.request_stop();
    while (ends.empty()) static_cast<void>(r.run_once(deadline::never()));
    if (ends[0] == no_error) {
      ::fcntl(f->native_handle(), F_SETFL, O_NONBLOCK);
      char none = 0;
      CHECK(::read(f->native_handle(), &none, 1) == -1);
    } else {
      char back = 0;
      CHECK(::read(f->native_handle(), &back, 1) == 1);
    }
    // A write or a sync that the kernel has begun ends as it ends.
    ends.clear();
    auto plain = r.files().open("plain", frys::open_mode::create_new);
    REQUIRE(plain.has_value());
    frys::stop_source other;
    loose writes = listens(other.token(), r.files().write(*plain, bytes_of(std::string(1 << 20, 'w')), 0), ends);
    loose syncs = listens(other.token(), r.files().sync(*plain), ends);
    turns(r, 1);
    other.request_stop();
    while (ends.size() < 2) static_cast<void>(r.run_once(deadline::never()));
    for (const errc e : ends) CHECK((e == no_error || e == errc::cancelled));
    turns(r, 2);
    CHECK(r.operations() == 1);
  }();
  ::unlink(pipe.c_str());
  ::unlink((std::string(root) + "/plain").c_str());
  ::rmdir(root);
}
#endif
