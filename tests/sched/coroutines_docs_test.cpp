// The examples of docs/coroutines.md.
#include <doctest/doctest.h>

#include <frys/core/clock.hpp>
#include <frys/memory/arena.hpp>
#include <frys/sched/async_scope.hpp>
#include <frys/sched/from_callback.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/when_all.hpp>
#include <frys/sched/when_any.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "stop_gate.hpp"

namespace {

using namespace std::chrono_literals;

// [region stop]
// Works in slices and looks between them; asked to stop, it says how far it came.
frys::task<std::uint64_t> sum_until_stopped(std::uint64_t n) {
  const frys::stop_token stop = co_await frys::this_task::stop_token();
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < n && !stop.stop_requested(); ++i) sum += i;
  co_return sum;
}
// [endregion stop]

// [region together]
// Two questions under way at once; the answers in the order of the questions.
template <class Ask>
frys::task<std::string> greeting(Ask& ask) {
  auto [name, city] = co_await frys::when_all(ask("name"), ask("city"));
  co_return name + " of " + city;
}

// The first replica that answers. The other one is asked to stop, and has ended when this goes on.
template <class Ask>
frys::task<std::string> from_either(Ask& first, Ask& second) {
  auto answer = co_await frys::when_any(first("value"), second("value"));
  co_return std::visit([](auto& text) { return text; }, answer);
}
// [endregion together]

// [region timeout]
template <class Timers, class Ask>
frys::task<std::string> ask_in_time(Timers& timers, Ask& ask) {
  const auto until = frys::deadline::after<frys::clocks::steady>(50ms);
  frys::result<std::string> answer = co_await frys::with_timeout(timers, ask("value"), until);
  co_return answer ? *answer : std::string("too late");
}
// [endregion timeout]

// [region scope]
// A task for each of n things; the first that fails stops the others, and is the answer.
template <class Work>
frys::task<frys::result<void>> each(int n, Work& work) {
  frys::async_scope scope;
  for (int i = 0; i < n; ++i)
    if (!scope.spawn(work(i))) break;  // never here: nobody has joined it
  co_return co_await scope.join();
}
// [endregion scope]

// [region callback]
// A library that calls back: begin_read(file, call, argument), cancel_read(file).
template <class File>
frys::task<frys::result<int>> read_some(File& file) {
  const auto begin = [&file](frys::callback<int> done) {
    file.begin_read([](void* p, int bytes) { frys::callback<int>::from_address(p)(bytes); }, done.address());
  };
  const auto cancel = [&file] { file.cancel_read(); };
  co_return co_await frys::from_callback<int>(begin, cancel);
}
// [endregion callback]

// [region frames]
// Its frame comes from the arena, and goes back there: the allocator stands first among the parameters.
frys::task<int> twice(std::allocator_arg_t, frys::arena<>&, int n) { co_return 2 * n; }
frys::task<int> sum_of_twice(std::allocator_arg_t, frys::arena<>& memory, int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await twice(std::allocator_arg, memory, i);
  co_return sum;
}
// [endregion frames]

TEST_CASE("docs: coroutines: a task that looks whether it shall stop") {
  CHECK(frys::sync_wait(sum_until_stopped(10)) == 45);
  frys::stop_source stop;
  stop.request_stop();
  CHECK(frys::sync_wait(sum_until_stopped(10), stop.token()) == 0);
}
TEST_CASE("docs: coroutines: several at once") {
  auto ask = [](const char* what) -> frys::task<std::string> { co_return std::string("some ") + what; };
  CHECK(frys::sync_wait(greeting(ask)) == "some name of some city");
  CHECK(frys::sync_wait(from_either(ask, ask)) == "some value");
  struct timers {
    sched_tests::gate at;
    sched_tests::gate::waiter sleep_until(frys::deadline) { return at.wait(); }
  } clock;
  CHECK(frys::sync_wait(ask_in_time(clock, ask)) == "some value");
}
TEST_CASE("docs: coroutines: a scope") {
  int done = 0;
  auto work = [&done](int i) -> frys::task<frys::result<void>> {
    ++done;
    if (i == 7) co_return frys::error{frys::errc::corrupt, frys::domain::user, "the seventh", 0};
    co_return frys::result<void>();
  };
  CHECK(frys::sync_wait(each(5, work)).has_value());
  CHECK(frys::sync_wait(each(9, work)).error() == frys::errc::corrupt);
  CHECK(done == 14);
}
TEST_CASE("docs: coroutines: a callback") {
  struct {
    void begin_read(void (*call)(void*, int), void* p) { call(p, 12); }
    void cancel_read() {}
  } file;
  CHECK(*frys::sync_wait(read_some(file)) == 12);
}
TEST_CASE("docs: coroutines: frames from an arena") {
  frys::arena<> memory;
  CHECK(frys::sync_wait(sum_of_twice(std::allocator_arg, memory, 5)) == 20);
}

}  // namespace
