#include <frys/sched/async_latch.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/core/local_atomics.hpp>
#include <frys/sched/task.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace {

using local_latch = frys::async_latch<frys::policy::atomics<frys::atomics::local>>;

template <class L>
waits::stoppable await_latch(L& latch, std::vector<int>& into, int name) {
  const auto open = co_await latch.wait();
  into.push_back(open ? name : -name);
}
template <class L>
waits::stoppable await_latch_unless(frys::stop_source&, L& latch, std::vector<int>& into, int name) {
  const auto open = co_await latch.wait();
  into.push_back(open ? name : -name);
  if (!open) CHECK(open.error().code == frys::errc::cancelled);
}
template <class L>
waits::stoppable arrive_at_latch(L& latch, waits::loop& on, std::vector<int>& into, int name) {
  const auto open = co_await latch.arrive_and_wait(on);
  into.push_back(open ? name : -name);
}

}  // namespace

TEST_CASE_TEMPLATE("async_latch: it opens with the last count, for those who wait and those who come", L,
                   frys::async_latch<>, local_latch) {
  L latch(3);
  std::vector<int> got;
  const auto a = await_latch(latch, got, 1), b = await_latch(latch, got, 2);
  latch.count_down();
  latch.count_down(0);
  CHECK_FALSE(latch.try_wait());
  CHECK(got.empty());
  latch.count_down(2);
  CHECK(latch.try_wait());
  CHECK(got == std::vector<int>{1, 2});
  const auto c = await_latch(latch, got, 3);
  CHECK(c.done());
  CHECK(L(0).try_wait());
}

TEST_CASE("async_latch: the last of those who arrive lets the others go on") {
  frys::async_latch<> latch(2);
  waits::loop here;
  std::vector<int> got;
  const auto a = arrive_at_latch(latch, here, got, 1);
  CHECK(got.empty());
  const auto b = arrive_at_latch(latch, here, got, 2);
  CHECK(got == std::vector<int>{2});  // needed no wait
  CHECK(here.run_all() == 1);
  CHECK(got == std::vector<int>{2, 1});
}

TEST_CASE("async_latch: who is destroyed or stopped leaves the line, and counts nothing back") {
  frys::async_latch<> latch(1);
  frys::stop_source stop;
  std::vector<int> got;
  auto a = await_latch(latch, got, 1);
  auto b = await_latch_unless(stop, latch, got, 2);
  const auto c = await_latch(latch, got, 3);
  a.reset();
  stop.request_stop();
  CHECK(got == std::vector<int>{-2});
  latch.count_down();
  CHECK(got == std::vector<int>{-2, 3});
}

TEST_CASE("async_latch: the last one for whom it opened may destroy it") {
  auto latch = std::make_unique<frys::async_latch<>>(1);
  const auto last = [](std::unique_ptr<frys::async_latch<>>& l) -> waits::stoppable {
    if (co_await l->wait()) l.reset();
  }(latch);
  latch->count_down();
  CHECK(latch == nullptr);
}

TEST_CASE("async_latch: what each thread did before its count is seen behind the wait") {
  for (int round = 0; round < 100; ++round) {
    frys::async_latch<> latch(3);
    int parts[3] = {};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        parts[t] = 1;
        latch.count_down();
      });
    int sum = 0;
    frys::sync_wait([](auto& l, int(&from)[3], int& into) -> frys::task<> {
      if (co_await l.wait()) into = from[0] + from[1] + from[2];
    }(latch, parts, sum));
    for (auto& t : threads) t.join();
    CHECK(sum == 3);
  }
}
