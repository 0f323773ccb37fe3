#include <doctest/doctest.h>

#include <frys/sched/std_stop_token.hpp>
#include <frys/sched/task.hpp>

#include <stop_token>
#include <thread>

#include "stop_gate.hpp"

namespace {

using sched_tests::gate;

TEST_CASE("from_std_stop: what asks a std::stop_source asks the tasks") {
  gate at;
  std::stop_source std_source;
  frys::from_std_stop link(std_source.get_token());
  CHECK_FALSE(link.token().stop_requested());
  std::thread asks([&] {
    while (!at.waits()) std::this_thread::yield();
    std_source.request_stop();
  });
  auto waits = [](gate& g) -> frys::task<bool> { co_return static_cast<bool>(co_await g.wait()); };
  CHECK_FALSE(frys::sync_wait(waits(at), link.token()));
  asks.join();
  frys::from_std_stop late(std_source.get_token());
  CHECK(late.token().stop_requested());
  frys::from_std_stop never{std::stop_token()};
  CHECK_FALSE(never.token().stop_requested());
}

TEST_CASE("to_std_stop: what asks a frys source is seen by a std::stop_token") {
  frys::stop_source source;
  frys::to_std_stop link(source.token());
  int called = 0;
  std::stop_callback seen(link.token(), [&] { ++called; });
  CHECK(link.token().stop_possible());
  source.request_stop();
  CHECK(link.token().stop_requested());
  CHECK(called == 1);
}

}  // namespace
