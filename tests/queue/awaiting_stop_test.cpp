// A coroutine that waits for a queue is asked to stop.
#include <frys/queue/awaiting.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <frys/core/deadline.hpp>
#include <frys/core/parker.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/sched/async_scope.hpp>
#include <frys/sched/cancel.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

namespace {

using int_line = frys::awaiting<frys::mpmc_ring<int, frys::policy::capacity<1>>>;

// The loop of the thread that calls run_until.
class stop_loop {
 public:
  void post(frys::work& w) noexcept {
    if (posted_.push(w)) parker_.unpark();
  }
  void run() noexcept {
    while (frys::work* const w = posted_.pop()) w->run(*w);
  }
  void run_until(const bool& done) noexcept {
    while (!done) {
      run();
      if (!done) parker_.park();
    }
  }

 private:
  frys::intrusive_mpsc_queue<frys::work> posted_;
  frys::parker<> parker_;
};

frys::task<> pop_once(int_line& line, stop_loop& here, std::vector<frys::pop_result<int>>& into) {
  into.push_back(co_await line.pop(here));
}
frys::task<> push_once(frys::awaiting<frys::mpmc_ring<std::unique_ptr<int>, frys::policy::capacity<1>>>& line,
                       stop_loop& here, std::unique_ptr<int>& value, std::vector<frys::push_result>& into) {
  into.push_back(co_await line.push(here, std::move(value)));
}
frys::task<> join_line(frys::async_scope& scope, bool& done) {
  (void)co_await scope.join();
  done = true;
}
void joined(frys::async_scope& scope, stop_loop& here) {
  bool done = false;
  frys::spawn(join_line(scope, done));
  here.run_until(done);
}

}  // namespace

TEST_CASE("awaiting: a pop that is stopped answers empty, on its executor, and the next value goes to the next one") {
  int_line line;
  stop_loop here;
  std::vector<frys::pop_result<int>> got, other;
  frys::async_scope scope, second;
  CHECK(scope.spawn(pop_once(line, here, got)));
  CHECK(second.spawn(pop_once(line, here, other)));
  CHECK(scope.request_stop());
  CHECK(got.empty());  // not on the stack of who asks
  here.run();
  REQUIRE(got.size() == 1);
  CHECK(got[0].is_empty());
  CHECK(other.empty());
  REQUIRE(line.try_push(7));
  here.run();
  REQUIRE(other.size() == 1);
  CHECK(*other[0] == 7);
  joined(scope, here);
  joined(second, here);
}

TEST_CASE("awaiting: a push that is stopped answers full and leaves its value untouched") {
  frys::awaiting<frys::mpmc_ring<std::unique_ptr<int>, frys::policy::capacity<1>>> line;
  stop_loop here;
  REQUIRE(line.try_push(std::make_unique<int>(1)));
  auto value = std::make_unique<int>(2);
  std::vector<frys::push_result> answer;
  frys::async_scope scope;
  CHECK(scope.spawn(push_once(line, here, value, answer)));
  CHECK(scope.request_stop());
  joined(scope, here);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].is_full());
  REQUIRE(value != nullptr);
  CHECK(*value == 2);
}

TEST_CASE("awaiting: a value that came before the stop is the answer, and what need not wait does not look at it") {
  int_line line;
  stop_loop here;
  std::vector<frys::pop_result<int>> got;
  frys::async_scope scope;
  CHECK(scope.spawn(pop_once(line, here, got)));
  REQUIRE(line.try_push(1));
  CHECK(scope.request_stop());
  here.run();
  REQUIRE(got.size() == 1);
  CHECK(*got[0] == 1);
  REQUIRE(line.try_push(2));
  CHECK(scope.spawn(pop_once(line, here, got)));
  CHECK(*got[1] == 2);
  CHECK(scope.spawn(pop_once(line, here, got)));  // asked before it waits
  REQUIRE(got.size() == 3);
  CHECK(got[2].is_empty());
  joined(scope, here);
}

TEST_CASE("awaiting: one that was called and stopped passes the call on") {
  int_line line;
  stop_loop here;
  std::vector<frys::pop_result<int>> got, other;
  frys::async_scope scope, second;
  CHECK(scope.spawn(pop_once(line, here, got)));
  CHECK(second.spawn(pop_once(line, here, other)));
  REQUIRE(line.try_push(1));    // calls the first
  CHECK(scope.request_stop());  // which has been called already
  CHECK(*line.try_pop() == 1);  // somebody is faster
  here.run();
  CHECK(got[0].is_empty());
  REQUIRE(line.try_push(2));
  here.run();
  REQUIRE(other.size() == 1);
  CHECK(*other[0] == 2);
  joined(scope, here);
  joined(second, here);
}

TEST_CASE("awaiting: when_any over two queues takes the first value and withdraws from the other") {
  int_line one, two;
  stop_loop here;
  bool done = false;
  frys::spawn([](int_line& a, int_line& b, stop_loop& on, bool& end) -> frys::task<> {
    auto got = co_await frys::when_any(a.pop(on), b.pop(on));
    CHECK(got.index() == 1);
    CHECK(*std::get<1>(got) == 5);
    end = true;
  }(one, two, here, done));
  REQUIRE(two.try_push(5));
  here.run_until(done);
  REQUIRE(one.try_push(6));
  CHECK(*one.try_pop() == 6);  // nobody has taken it
}

TEST_CASE("awaiting: stops from one thread against values from another lose neither a value nor a waiter") {
  int_line line;
  stop_loop here;
  constexpr int rounds = 400;
  std::atomic<frys::stop_source*> current{nullptr};
  std::atomic<int> asked{0};
  std::thread stops([&] {
    for (int i = 0; i < rounds; ++i) {
      frys::stop_source* s = nullptr;
      while ((s = current.exchange(nullptr)) == nullptr) std::this_thread::yield();
      s->request_stop();
      asked.fetch_add(1);
    }
  });
  int given = 0, taken = 0, missed = 0;
  std::thread gives([&] {
    for (int i = 0; i < rounds; ++i) {
      if (line.try_push(1)) ++given;
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    frys::stop_source source;
    struct looping {  // what sync_wait runs until the end
      stop_loop& loop;
      std::size_t run_once(frys::deadline) noexcept {
        loop.run();
        return 0;
      }
    } turns{here};
    std::vector<frys::pop_result<int>> got;
    current.store(&source);
    frys::sync_wait(turns, pop_once(line, here, got), source.token());
    if (got[0])
      ++taken;
    else
      ++missed;
    while (asked.load() != i + 1) std::this_thread::yield();
  }
  stops.join();
  gives.join();
  while (line.try_pop()) ++taken;
  CHECK(given == taken);
  CHECK(taken + missed >= rounds);  // every wait has ended
}
