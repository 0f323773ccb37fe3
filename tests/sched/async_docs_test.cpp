// The examples of docs/coroutines.md on what coroutines wait for: they are this file's regions.
#include <frys/sched/async_mutex.hpp>
#include <frys/sched/async_semaphore.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <coroutine>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace {

// [region mutex]
// A request and its reply must not be mixed with another coroutine's: the lock is held over both waits.
template <class Connection>
frys::task<std::string> ask(Connection& to, frys::async_mutex<>& line, std::string question) {
  auto held = co_await line.lock();
  if (!held) co_return std::string();  // a stop was asked for while it stood in line
  co_await to.send(question);
  co_return co_await to.receive();
}
// [endregion mutex]

// [region semaphore]
// No more than so many bytes under way: who is too large waits until there is room for all of it, and is not passed.
template <class Disk>
frys::task<> write_bounded(Disk& disk, frys::async_semaphore<>& bytes, std::string data) {
  const std::size_t size = data.size();
  const auto room = co_await bytes.acquire(size);
  if (!room) co_return;
  co_await disk.write(data);
  bytes.release(size);
}
// [endregion semaphore]

// Answers a question when `go` is called; one at a time.
struct echo {
  std::vector<std::string> sent;
  std::coroutine_handle<> waiting;
  struct step {
    echo& of;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const noexcept { of.waiting = h; }
    std::string await_resume() const { return of.sent.back(); }
  };
  frys::task<> send(std::string text) {
    sent.push_back(text);
    co_return;
  }
  step receive() { return {*this}; }
  frys::task<> write(std::string text) {
    sent.push_back(text);
    static_cast<void>(co_await step{*this});
  }
  void go() { std::exchange(waiting, nullptr).resume(); }
};

template <class Connection>
frys::task<> ask_into(Connection& to, frys::async_mutex<>& line, std::string question, std::vector<std::string>& into) {
  std::string answer = co_await ask(to, line, std::move(question));
  into.push_back(std::move(answer));
}

}  // namespace

TEST_CASE("coroutines page: questions on one connection come one after the other") {
  echo connection;
  frys::async_mutex<> line;
  std::vector<std::string> answers;
  frys::task_scope scope;
  scope.spawn(ask_into(connection, line, "a", answers));
  scope.spawn(ask_into(connection, line, "b", answers));
  CHECK(connection.sent == std::vector<std::string>{"a"});
  connection.go();
  CHECK(connection.sent == std::vector<std::string>{"a", "b"});
  connection.go();
  CHECK(answers == std::vector<std::string>{"a", "b"});
}

TEST_CASE("coroutines page: a bound of bytes") {
  echo disk;
  frys::async_semaphore<> bytes(10);
  frys::task_scope scope;
  scope.spawn(write_bounded(disk, bytes, "1234567"));
  scope.spawn(write_bounded(disk, bytes, "12345678"));
  scope.spawn(write_bounded(disk, bytes, "1"));  // there would be room for it, but it does not pass
  CHECK(disk.sent.size() == 1);
  disk.go();
  CHECK(disk.sent.size() == 3);
  CHECK(bytes.available() == 1);
}
