#include <doctest/doctest.h>

#include <frys/sched/senders.hpp>
#include <frys/sched/task.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "stop_gate.hpp"

namespace {

using frys::as_awaitable;
using frys::as_sender;
using frys::result;
using frys::task;
using sched_tests::gate;

// As a sender library writes them.
struct just {
  int value;
  template <class R>
  struct operation {
    int value;
    R receiver;
    operation(int v, R r) : value(v), receiver(std::move(r)) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    void start() noexcept { std::move(receiver).set_value(value); }
  };
  template <class R>
  operation<R> connect(R receiver) && {
    return {value, std::move(receiver)};
  }
};
enum class how { stops, fails, throws, later };
struct ends_by {
  using value_type = std::string;
  how end;
  std::thread* on;
  template <class R>
  struct operation {
    how end;
    std::thread* on;
    R receiver;
    void start() noexcept {
      if (end == how::stops) return std::move(receiver).set_stopped();
      if (end == how::fails)
        return std::move(receiver).set_error(frys::error{frys::errc::corrupt, frys::domain::user, "bad", 0});
#if FRYS_EXCEPTIONS
      if (end == how::throws) return std::move(receiver).set_error(std::make_exception_ptr(std::runtime_error("sent")));
#endif
      *on = std::thread([this] { std::move(receiver).set_value("late"); });
    }
  };
  template <class R>
  operation<R> connect(R receiver) && {
    return {end, on, std::move(receiver)};
  }
};
// Waits for the stop of its receiver.
struct until_stopped {
  using value_type = void;
  template <class R>
  struct operation {
    struct call {
      operation* of;
      void operator()() const noexcept { of->asked = true; }
    };
    R receiver;
    bool asked = false;
    explicit operation(R r) : receiver(std::move(r)) {}
    void start() noexcept {
      const auto token = receiver.get_env().get_stop_token();
      {
        typename decltype(receiver.get_env().get_stop_token())::template callback_type<call> listens(token, call{this});
      }
      if (asked)
        std::move(receiver).set_stopped();
      else
        std::move(receiver).set_value();
    }
  };
  template <class R>
  operation<R> connect(R receiver) && {
    return operation<R>(std::move(receiver));
  }
};
static_assert(frys::sender_to<just, frys::detail::awaiting_receiver<int>>);
static_assert(!frys::sender_to<int, frys::detail::awaiting_receiver<int>>);

TEST_CASE("as_awaitable: a sender's value, there and then or from another thread") {
  CHECK(*frys::sync_wait(as_awaitable<int>(just{4})) == 4);
  std::thread other;
  CHECK(*frys::sync_wait(as_awaitable(ends_by{how::later, &other})) == "late");
  other.join();
}

TEST_CASE("as_awaitable: set_stopped is cancelled, set_error an error") {
  CHECK(frys::sync_wait(as_awaitable(ends_by{how::stops, nullptr})).error() == frys::errc::cancelled);
  CHECK(frys::sync_wait(as_awaitable(ends_by{how::fails, nullptr})).error() == frys::errc::corrupt);
#if FRYS_EXCEPTIONS
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(as_awaitable(ends_by{how::throws, nullptr}))), "sent",
                       std::runtime_error);
#endif
}

TEST_CASE("as_awaitable: the sender has the token of who waits") {
  frys::stop_source stop;
  CHECK(frys::sync_wait(as_awaitable(until_stopped{}), stop.token()).has_value());
  stop.request_stop();
  CHECK_FALSE(frys::sync_wait(as_awaitable(until_stopped{}), stop.token()).has_value());
}

// What a task was told, in a receiver.
struct told_value {
  std::optional<int> value;
  bool stopped = false;
  std::optional<frys::errc> failed;
  bool threw = false;
};
struct test_env {
  frys::stop_token token;
  [[nodiscard]] frys::stop_token get_stop_token() const noexcept { return token; }
};
struct test_receiver {
  told_value* to;
  frys::stop_token token;
  void set_value(int n) && noexcept { to->value = n; }
  void set_value() && noexcept { to->value = 0; }
  void set_stopped() && noexcept { to->stopped = true; }
  void set_error(frys::error e) && noexcept { to->failed = e.code; }
  void set_error(std::exception_ptr) && noexcept { to->threw = true; }
  [[nodiscard]] test_env get_env() const noexcept { return {token}; }
};
static_assert(frys::receiver_of<test_receiver, int>);

task<int> sent_number(int n) { co_return n; }
task<result<int>> sent_result(gate& at) {
  const auto went = co_await at.wait();
  if (!went) co_return went.error();
  co_return 8;
}

TEST_CASE("as_sender: a task does nothing until it is started, then tells its answer") {
  told_value told;
  auto operation = as_sender(sent_number(3)).connect(test_receiver{&told, {}});
  static_assert(frys::operation_state<decltype(operation)>);
  CHECK_FALSE(told.value.has_value());
  operation.start();
  CHECK(told.value == 3);
}

TEST_CASE("as_sender: a result's value, its error and its stop") {
  gate at;
  told_value value, stopped, failed;
  auto first = as_sender(sent_result(at)).connect(test_receiver{&value, {}});
  first.start();
  CHECK_FALSE(value.value.has_value());
  at.open();
  CHECK(value.value == 8);
  frys::stop_source stop;
  auto second = as_sender(sent_result(at)).connect(test_receiver{&stopped, stop.token()});
  second.start();
  stop.request_stop();
  CHECK(stopped.stopped);
  auto fails = []() -> task<result<void>> { co_return frys::error{frys::errc::full, frys::domain::user, "full", 0}; };
  auto third = as_sender(fails()).connect(test_receiver{&failed, {}});
  third.start();
  CHECK(failed.failed == frys::errc::full);
}

TEST_CASE("as_sender: its receiver may destroy the operation") {
  struct owner {
    struct receiver {
      owner* of;
      void set_value() && noexcept { of->operation.reset(); }
      void set_stopped() && noexcept {}
      void set_error(std::exception_ptr) && noexcept {}
    };
    using operation_type = decltype(as_sender(task<>()).connect(receiver{nullptr}));
    std::unique_ptr<operation_type> operation;
  } all;
  gate at;
  auto body = [](gate& g) -> task<> { (void)co_await g.wait(); };
  all.operation.reset(new owner::operation_type(as_sender(body(at)).connect(owner::receiver{&all})));
  all.operation->start();
  CHECK(all.operation != nullptr);
  at.open();
  CHECK(all.operation == nullptr);
}

TEST_CASE("as_sender and as_awaitable: there and back") {
  CHECK(*frys::sync_wait(as_awaitable(as_sender(sent_number(5)))) == 5);
#if FRYS_EXCEPTIONS
  auto throws = []() -> task<int> {
    throw std::runtime_error("through");
    co_return 1;
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(as_awaitable(as_sender(throws())))), "through",
                       std::runtime_error);
#endif
}

}  // namespace
