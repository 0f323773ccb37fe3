#include <frys/queue/awaiting.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <frys/core/parker.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/sched/task.hpp>

namespace {

namespace policy = frys::policy;

// Runs what is posted, on the thread that calls run.
class own_thread {
 public:
  void post(frys::work& w) noexcept {
    if (posted_.push(w)) parker_.unpark();
  }
  bool run_one() noexcept {
    frys::work* const w = posted_.pop();
    if (w != nullptr) w->run(*w);
    return w != nullptr;
  }
  void run_until(const bool& done) noexcept {
    while (!done)
      if (!run_one()) parker_.park();
  }

 private:
  frys::intrusive_mpsc_queue<frys::work> posted_;
  frys::parker<> parker_;
};
static_assert(frys::executor<own_thread>);

template <class Q>
frys::task<> take_all(Q& queue, own_thread& here, std::vector<int>& into, bool& done) {
  for (;;) {
    auto got = co_await queue.pop(here);
    if (!got) break;
    into.push_back(*got);
  }
  done = true;
}

}  // namespace

TEST_CASE("awaiting: a pop that finds a value does not wait, one that finds none goes on by its executor") {
  frys::awaiting<frys::mpmc_ring<int, policy::capacity<4>>> queue;
  own_thread here;
  std::vector<int> got;
  bool done = false;
  REQUIRE(queue.try_push(1));
  frys::spawn(take_all(queue, here, got, done));
  CHECK(got == std::vector<int>{1});
  CHECK_FALSE(here.run_one());
  REQUIRE(queue.try_push(2));
  CHECK(got == std::vector<int>{1});  // not on the pusher's stack
  CHECK(here.run_one());
  CHECK(got == std::vector<int>{1, 2});
  queue.close();
  CHECK_FALSE(done);
  here.run_until(done);
  CHECK(queue.try_push(3).is_closed());
}

TEST_CASE("awaiting: a push waits for room, and closed leaves its value untouched") {
  frys::awaiting<frys::mpmc_ring<std::unique_ptr<int>, policy::capacity<1>>> queue;
  own_thread here;
  bool done = false;
  frys::push_result last = frys::push_result::ok;
  std::unique_ptr<int> kept;
  frys::spawn(
      [](auto& q, own_thread& on, bool& end, frys::push_result& answer, std::unique_ptr<int>& left) -> frys::task<> {
        if (!co_await q.push(on, std::make_unique<int>(1))) co_return;
        if (!co_await q.push(on, std::make_unique<int>(2))) co_return;
        left = std::make_unique<int>(3);
        answer = co_await q.push(on, std::move(left));
        end = true;
      }(queue, here, done, last, kept));
  CHECK_FALSE(here.run_one());  // waits with 2
  CHECK(**queue.try_pop() == 1);
  CHECK(here.run_one());
  CHECK_FALSE(done);
  queue.close();
  here.run_until(done);
  CHECK(last.is_closed());
  REQUIRE(kept != nullptr);
  CHECK(*kept == 3);
  CHECK(**queue.try_pop() == 2);
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("awaiting: who has waited longest is called first; one who finds nothing stays first") {
  frys::awaiting<frys::mpmc_ring<int, policy::capacity<4>>> queue;
  own_thread here;
  std::vector<int> got[2];
  bool done[2] = {};
  for (int i = 0; i < 2; ++i) frys::spawn(take_all(queue, here, got[i], done[i]));
  REQUIRE(queue.try_push(1));
  CHECK(*queue.try_pop() == 1);  // faster than who was called
  CHECK(here.run_one());
  CHECK(got[0].empty());
  REQUIRE(queue.try_push(2));
  CHECK(here.run_one());
  CHECK(got[0] == std::vector<int>{2});
  CHECK(got[1].empty());
  queue.close();
  here.run_until(done[0]);
  here.run_until(done[1]);
}

TEST_CASE("awaiting: a coroutine may be destroyed while it waits") {
  frys::awaiting<frys::mpsc_queue<int>> queue;
  own_thread here;
  std::vector<int> got;
  bool done = false;
  {
    frys::task_scope scope;
    scope.spawn(take_all(queue, here, got, done));
    CHECK(scope.size() == 1);
  }
  CHECK(queue.try_push(1));  // calls nobody
  CHECK_FALSE(here.run_one());
  CHECK(*queue.try_pop() == 1);
}

TEST_CASE("awaiting: every value once between threads, through one ring of each kind, and closed ends all") {
  constexpr int count = 20'000;
  const auto through = [&](auto& queue) {
    std::int64_t sum = 0;
    std::thread consumer([&] {
      own_thread here;
      bool done = false;
      frys::spawn([](auto& q, own_thread& on, std::int64_t& total, bool& end) -> frys::task<> {
        while (auto v = co_await q.pop(on)) total += *v;
        end = true;
      }(queue, here, sum, done));
      here.run_until(done);
    });
    own_thread here;
    bool done = false;
    frys::spawn([](auto& q, own_thread& on, bool& end) -> frys::task<> {
      for (int i = 1; i <= count; ++i) (void)co_await q.push(on, int{i});
      q.close();
      end = true;
    }(queue, here, done));
    here.run_until(done);
    consumer.join();
    CHECK(sum == std::int64_t{count} * (count + 1) / 2);
  };
  frys::awaiting<frys::spsc_ring<int, policy::capacity<8>>> spsc;
  frys::awaiting<frys::mpmc_ring<int, policy::capacity<8>>> mpmc;
  frys::awaiting<frys::mpsc_queue<int>> mpsc;
  through(spsc);
  through(mpmc);
  through(mpsc);
}

TEST_CASE("awaiting: eight threads on whatever cores there are, with a coroutine each") {
  constexpr int each = 2'000;
  frys::awaiting<frys::mpmc_ring<int, policy::capacity<8>>> queue;
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> consumers, producers;
  for (int t = 0; t < 4; ++t) {
    consumers.emplace_back([&] {
      own_thread here;
      bool done = false;
      std::vector<int> got;
      frys::spawn(take_all(queue, here, got, done));
      here.run_until(done);
      for (const int v : got) sum += v;
    });
    producers.emplace_back([&] {
      own_thread here;
      bool done = false;
      frys::spawn([](auto& q, own_thread& on, bool& end) -> frys::task<> {
        for (int i = 1; i <= each; ++i) (void)co_await q.push(on, int{i});
        end = true;
      }(queue, here, done));
      here.run_until(done);
    });
  }
  for (auto& t : producers) t.join();
  queue.close();
  for (auto& t : consumers) t.join();
  CHECK(sum == std::int64_t{4} * each * (each + 1) / 2);
}
