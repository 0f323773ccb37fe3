#include <frys/sched/async_event.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/core/local_atomics.hpp>
#include <frys/sched/task.hpp>

#include <optional>
#include <thread>
#include <vector>

namespace {

using local_event = frys::async_event<frys::policy::atomics<frys::atomics::local>>;

template <class E>
waits::stoppable await_event(E& event, std::vector<int>& into, int name) {
  const auto so = co_await event.wait();
  into.push_back(so ? name : -name);
}
template <class E>
waits::stoppable await_event_unless(frys::stop_source&, E& event, std::vector<int>& into, int name) {
  const auto so = co_await event.wait();
  into.push_back(so ? name : -name);
  if (!so) CHECK(so.error().code == frys::errc::cancelled);
}
template <class E>
waits::stoppable await_event_on(E& event, waits::loop& on, std::vector<int>& into, int name) {
  const auto so = co_await event.wait(on);
  into.push_back(so ? name : -name);
}

}  // namespace

TEST_CASE_TEMPLATE("async_event: set lets all go on who wait, in order, and those who come until reset", E,
                   frys::async_event<>, local_event) {
  E event;
  std::vector<int> got;
  const auto a = await_event(event, got, 1), b = await_event(event, got, 2);
  CHECK(got.empty());
  CHECK_FALSE(event.is_set());
  event.set();
  CHECK(got == std::vector<int>{1, 2});
  CHECK(event.is_set());
  const auto c = await_event(event, got, 3);
  CHECK(c.done());
  event.set();
  event.reset();
  event.reset();
  const auto d = await_event(event, got, 4);
  CHECK_FALSE(d.done());
  event.reset();
  CHECK_FALSE(d.done());
  event.set();
  CHECK(got == std::vector<int>{1, 2, 3, 4});
  CHECK(E(true).is_set());
}

TEST_CASE("async_event: with an executor who was called goes on, even if reset comes first") {
  frys::async_event<> event;
  waits::loop here;
  std::vector<int> got;
  const auto a = await_event_on(event, here, got, 1);
  event.set();
  event.reset();
  CHECK(got.empty());
  CHECK(here.run_all() == 1);
  CHECK(got == std::vector<int>{1});
}

TEST_CASE("async_event: who is destroyed or stopped leaves the line") {
  frys::async_event<> event;
  frys::stop_source stop;
  std::vector<int> got;
  auto a = await_event(event, got, 1);
  auto b = await_event_unless(stop, event, got, 2);
  const auto c = await_event(event, got, 3);
  a.reset();
  stop.request_stop();
  CHECK(got == std::vector<int>{-2});
  event.set();
  CHECK(got == std::vector<int>{-2, 3});
}

TEST_CASE("async_event: what was done before set is seen behind the wait, between threads") {
  for (int round = 0; round < 200; ++round) {
    frys::async_event<> event;
    int payload = 0;
    std::thread other([&] {
      payload = 7;
      event.set();
    });
    int seen = 0;
    frys::sync_wait([](auto& e, int& from, int& into) -> frys::task<> {
      if (co_await e.wait()) into = from;
    }(event, payload, seen));
    other.join();
    CHECK(seen == 7);
  }
}
