#include <frys/sched/async_semaphore.hpp>

#include "blocks.hpp"

#include <array>
#include <cstddef>
#include <optional>

#include "../sched/waits.hpp"

namespace {

using namespace blocks;
using tested_semaphore = frys::async_semaphore<with_model>;
using stopper = frys::basic_stop_source<with_model>;

// One permit makes it a lock.
waits::stoppable add_with_permit(tested_semaphore& s, A::var<int>& sum) {
  [[maybe_unused]] const auto had = co_await s.acquire();
  sum.ref() += 1;
  s.release();
}
waits::stoppable take_permits(tested_semaphore& s, std::size_t n, int& got) {
  [[maybe_unused]] const auto had = co_await s.acquire(n);
  got += had ? 1 : 0;
}
waits::stoppable take_permits_unless(stopper&, tested_semaphore& s, std::size_t n, int& got, int& stopped) {
  [[maybe_unused]] const auto had = co_await s.acquire(n);
  ++(had ? got : stopped);
}

void one_permit() {
  tested_semaphore s(1);
  A::var<int> sum(0);
  std::optional<waits::stoppable> a, b;
  int tried = 0;
  model::threads([&] { a = add_with_permit(s, sum); }, [&] { b = add_with_permit(s, sum); },
                 [&] {
                   if (!s.try_acquire()) return;
                   sum.ref() += 1;
                   tried = 1;
                   s.release();
                 });
  model::require(a->done() && b->done() && s.available() == 1, "nobody is left in line");
  model::require(sum.get() == 2 + tried, "one at a time");
}
// Permits that come one by one reach who wants two, though one is always there for who wants one.
void many_and_few() {
  tested_semaphore s(1);
  int many = 0, few = 0;
  std::optional<waits::stoppable> a, b;
  model::threads([&] { a = take_permits(s, 2, many); }, [&] { b = take_permits(s, 1, few); }, [&] { s.release(2); });
  model::require(many == 1 && few == 1 && s.available() == 0, "both have what they want");
}
void two_release() {
  tested_semaphore s(0);
  int got = 0;
  std::optional<waits::stoppable> a;
  A::var<int> left(0), right(0);
  const auto look = [](tested_semaphore& of, A::var<int>& l, A::var<int>& r, int& into) -> waits::stoppable {
    [[maybe_unused]] const auto had = co_await of.acquire(2);
    into = l.get() + r.get();
  };
  model::threads(
      [&] {
        left.ref() = 1;
        s.release();
      },
      [&] {
        right.ref() = 2;
        s.release();
      },
      [&] { a = look(s, left, right, got); });
  model::require(got == 3, "what was done before each release is seen");
}
// The first one, who wants many, is stopped: the second one, who wants what there is, gets it.
void stop_lets_others_pass() {
  tested_semaphore s(1);
  stopper stop;
  int many = 0, few = 0, stopped = 0;
  std::optional<waits::stoppable> a, b;
  a = take_permits_unless(stop, s, 2, many, stopped);
  model::threads([&] { b = take_permits(s, 1, few); }, [&] { (void)stop.request_stop(); });
  model::require(many == 0 && few == 1 && stopped == 1 && s.available() == 0, "it passes");
}
void stop_against_release() {
  tested_semaphore s(0);
  stopper stop;
  int got = 0, stopped = 0;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = take_permits_unless(stop, s, 1, got, stopped); }, [&] { s.release(); },
                 [&] { (void)stop.request_stop(); });
  model::require(got + stopped == 1, "one or the other");
  model::require(s.available() == static_cast<std::size_t>(stopped), "no permit is lost, none comes from nowhere");
}

TEST_CASE("async_semaphore under the model: one permit is a lock, and what was done before a release is seen") {
  holds_mostly(&one_permit, 500);
  holds_mostly(&two_release, 500);
}
TEST_CASE("async_semaphore under the model: who wants many is not passed, and not forgotten") {
  holds_mostly(&many_and_few, 500);
}
TEST_CASE("async_semaphore under the model: a stop loses no permit, and lets others have their turn") {
  holds(&stop_lets_others_pass);
  holds_mostly(&stop_against_release, 500);
}

}  // namespace
