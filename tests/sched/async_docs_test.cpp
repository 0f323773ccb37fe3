// The examples of docs/coroutines.md on what coroutines wait for: they are this file's regions.
#include <frys/sched/async_mutex.hpp>
#include <frys/sched/async_semaphore.hpp>
#include <frys/sched/channel.hpp>
#include <frys/sched/generator.hpp>
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

// [region generator]
// A tree walked in order, as a range: `for (const node& n : in_order(root))`.
struct node {
  int key;
  const node* left = nullptr;
  const node* right = nullptr;
};
frys::generator<const node&> in_order(const node* n) {
  if (n == nullptr) co_return;
  co_yield frys::elements_of(in_order(n->left));
  co_yield *n;
  co_yield frys::elements_of(in_order(n->right));
}
// [endregion generator]

// [region async_generator]
// Lines out of answers that come in pieces; the consumer waits while the body does:
// `while (std::string* line = co_await lines.next())`.
template <class Connection>
frys::async_generator<std::string> lines_of(Connection& from) {
  std::string rest;
  for (;;) {
    const std::string piece = co_await from.receive();
    if (piece.empty()) co_return;
    rest += piece;
    for (std::size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) {
      std::string line = rest.substr(0, end);
      co_yield line;
    }
  }
}
// [endregion async_generator]

// [region channel]
// A stage of a pipeline: as fast as the slower of its neighbours, and it ends when what comes before it has ended.
template <class From, class To, class F>
frys::task<> stage(From& from, To& to, F transform) {
  while (auto value = co_await from.pop()) {
    const auto pushed = co_await to.push(transform(std::move(*value)));
    if (!pushed) break;  // nobody wants any more
  }
  to.close();
}
// [endregion channel]

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

TEST_CASE("coroutines page: a tree in order, and lines out of pieces") {
  const node one{1}, three{3}, two{2, &one, &three};
  std::vector<int> keys;
  for (const node& n : in_order(&two)) keys.push_back(n.key);
  CHECK(keys == std::vector<int>{1, 2, 3});

  echo connection;
  std::vector<std::string> got;
  const auto read = [](frys::async_generator<std::string> lines, std::vector<std::string>& into) -> frys::task<> {
    while (std::string* const line = co_await lines.next()) into.push_back(std::move(*line));
  };
  frys::task_scope scope;
  scope.spawn(read(lines_of(connection), got));
  for (const char* piece : {"ab", "c\nd\nef", "\n", ""}) {
    connection.sent.emplace_back(piece);
    connection.go();
  }
  CHECK(got == std::vector<std::string>{"abc", "d", "ef"});
  CHECK(scope.empty());
}

TEST_CASE("coroutines page: a pipeline over channels") {
  frys::channel<int, frys::policy::capacity<2>> numbers;
  frys::channel<std::string, frys::policy::capacity<0>> texts;
  std::vector<std::string> got;
  const auto print = [](auto& from, std::vector<std::string>& into) -> frys::task<> {
    while (auto text = co_await from.pop()) into.push_back(std::move(*text));
  };
  frys::task_scope scope;
  scope.spawn(stage(numbers, texts, [](int n) { return std::to_string(n); }));
  scope.spawn(print(texts, got));
  for (int i = 1; i <= 3; ++i) CHECK(numbers.try_push(int{i}));
  numbers.close();
  CHECK(got == std::vector<std::string>{"1", "2", "3"});
  CHECK(scope.empty());
}
