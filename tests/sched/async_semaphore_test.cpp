#include <frys/sched/async_semaphore.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/core/local_atomics.hpp>
#include <frys/sched/task.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

namespace {

using local_semaphore = frys::async_semaphore<frys::policy::atomics<frys::atomics::local>>;

template <class S>
waits::stoppable want(S& permits, std::size_t n, std::vector<int>& into, int name) {
  const auto got = co_await permits.acquire(n);
  into.push_back(got ? name : -name);
}
template <class S>
waits::stoppable want_on(S& permits, waits::loop& on, std::size_t n, std::vector<int>& into, int name) {
  const auto got = co_await permits.acquire(on, n);
  into.push_back(got ? name : -name);
}
template <class S>
waits::stoppable want_unless(frys::stop_source&, S& permits, std::size_t n, std::vector<int>& into, int name) {
  const auto got = co_await permits.acquire(n);
  into.push_back(got ? name : -name);
  if (!got) CHECK(got.error().code == frys::errc::cancelled);
}
template <class S>
waits::stoppable want_unless_on(frys::stop_source&, S& permits, waits::loop& on, std::size_t n, std::vector<int>& into,
                                int name) {
  const auto got = co_await permits.acquire(on, n);
  into.push_back(got ? name : -name);
}

}  // namespace

TEST_CASE_TEMPLATE("async_semaphore: so many as there are, all or none", S, frys::async_semaphore<>, local_semaphore) {
  S permits(3);
  CHECK(permits.available() == 3);
  CHECK(permits.try_acquire(2));
  CHECK_FALSE(permits.try_acquire(2));
  CHECK(permits.try_acquire());
  CHECK_FALSE(permits.try_acquire());
  CHECK(permits.try_acquire(0));
  permits.release(3);
  permits.release();  // there may be more than at first
  CHECK(permits.available() == 4);
  std::vector<int> got;
  const auto a = want(permits, 4, got, 1);
  CHECK(a.done());
  CHECK(permits.available() == 0);
}

TEST_CASE_TEMPLATE("async_semaphore: in the order in which they came; who wants many is not passed", S,
                   frys::async_semaphore<>, local_semaphore) {
  S permits(1);
  std::vector<int> got;
  const auto a = want(permits, 3, got, 1), b = want(permits, 1, got, 2), c = want(permits, 1, got, 3);
  CHECK(got.empty());
  CHECK_FALSE(permits.try_acquire());  // though there is one
  permits.release();
  CHECK(got.empty());
  permits.release();
  CHECK(got == std::vector<int>{1});
  permits.release(3);
  CHECK(got == std::vector<int>{1, 2, 3});
  CHECK(permits.available() == 1);
}

TEST_CASE("async_semaphore: with an executor they go on in posted work, and have their permits from the release on") {
  frys::async_semaphore<> permits(0);
  waits::loop here;
  std::vector<int> got;
  const auto a = want_on(permits, here, 1, got, 1), b = want_on(permits, here, 2, got, 2);
  permits.release(3);
  CHECK(got.empty());
  CHECK(permits.available() == 0);
  CHECK(here.run_all() == 2);
  CHECK(got == std::vector<int>{1, 2});
}

TEST_CASE_TEMPLATE("async_semaphore: when one who wants many goes, those behind who want few have their turn", S,
                   frys::async_semaphore<>, local_semaphore) {
  S permits(2);
  frys::stop_source stop;
  std::vector<int> got;
  {
    auto many = std::make_optional(want(permits, 5, got, 1));
    const auto few = want(permits, 1, got, 2);
    CHECK(got.empty());
    many.reset();
    CHECK(got == std::vector<int>{2});
  }
  auto many = want_unless(stop, permits, 5, got, 3);
  const auto few = want(permits, 1, got, 4);
  CHECK(got == std::vector<int>{2});
  stop.request_stop();
  CHECK(got == std::vector<int>{2, 4, -3});
  CHECK(many.done());
  CHECK(permits.available() == 0);
}

TEST_CASE("async_semaphore: a stop behind a release is too late, one before it gives the permits to others") {
  frys::async_semaphore<> permits(0);
  waits::loop here;
  frys::stop_source stop, late;
  std::vector<int> got;
  auto a = want_unless_on(stop, permits, here, 1, got, 1);
  auto b = want_unless_on(late, permits, here, 1, got, 2);
  stop.request_stop();
  permits.release();
  late.request_stop();
  CHECK(got.empty());
  here.run_all();
  CHECK(got == std::vector<int>{-1, 2});
  CHECK(permits.available() == 0);
  auto c = want_unless(late, permits, 1, got, 3);
  CHECK(got.back() == -3);
}

namespace {
struct herd {
  frys::async_semaphore<> permits{0};
  std::vector<std::optional<waits::stoppable>> all{10};
  std::vector<int> got;
};
waits::stoppable want_and_destroy(herd& h, int name, int victim) {
  const auto had = co_await h.permits.acquire();
  if (!had) co_return;
  h.got.push_back(name);
  if (victim >= 0) h.all[static_cast<std::size_t>(victim)].reset();
}
}  // namespace

TEST_CASE("async_semaphore: permits that were handed to a coroutine that is destroyed before it goes on go back") {
  herd h;
  for (int i = 0; i < 10; ++i)
    h.all[static_cast<std::size_t>(i)] = want_and_destroy(h, i, i == 0 ? 1 : i == 2 ? 9 : -1);
  h.permits.release(5);  // 0 to 4; 0 destroys 1, whose permit goes to 5; 2 destroys 9, who waits
  CHECK(h.got == std::vector<int>{0, 5, 2, 3, 4});
  h.permits.release(4);
  CHECK(h.got == std::vector<int>{0, 5, 2, 3, 4, 6, 7, 8});
  CHECK(h.permits.available() == 1);
}

TEST_CASE("async_semaphore: between threads never more than there are, and none is lost") {
  constexpr int each = 2'000;
  frys::async_semaphore<> permits(3);
  std::atomic<int> inside{0};
  std::atomic<bool> too_many{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::size_t n = t == 0 ? 3 : 1;
      frys::sync_wait([](auto& s, std::size_t wanted, auto& in, auto& bad) -> frys::task<> {
        for (int i = 0; i < each; ++i) {
          if (!co_await s.acquire(wanted)) continue;
          if (in.fetch_add(static_cast<int>(wanted)) + static_cast<int>(wanted) > 3) bad = true;
          in -= static_cast<int>(wanted);
          s.release(wanted);
        }
      }(permits, n, inside, too_many));
    });
  for (auto& t : threads) t.join();
  CHECK_FALSE(too_many);
  CHECK(permits.available() == 3);
}
