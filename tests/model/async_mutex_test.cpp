#include <frys/sched/async_mutex.hpp>

#include "blocks.hpp"

#include <memory>
#include <optional>

#include "../sched/waits.hpp"

namespace {

using namespace blocks;
using tested = frys::async_mutex<with_model>;
using source = frys::basic_stop_source<with_model>;
using shared_var = A::var<int>;

waits::stoppable add_one(tested& m, shared_var& sum) {
  auto held = co_await m.lock();
  sum.ref() += 1;
}
waits::stoppable add_one_unless(source&, tested& m, shared_var& sum, int& stopped) {
  auto held = co_await m.lock();
  if (held)
    sum.ref() += 1;
  else
    ++stopped;
}
// What a coroutine left is read by who knows that all have ended.
void all_is_done(tested& m, const waits::stoppable& a, const waits::stoppable& b) {
  model::require(a.done() && b.done(), "nobody is left in line");
  model::require(static_cast<bool>(m.try_lock()), "the lock is free");
}

struct one_each {
  tested m;
  shared_var sum{0};
};

void two_lock() {
  one_each o;
  std::optional<waits::stoppable> a, b;
  model::threads([&] { a = add_one(o.m, o.sum); }, [&] { b = add_one(o.m, o.sum); });
  all_is_done(o.m, *a, *b);
  model::require(o.sum.get() == 2, "each has had it once");
}
void three_lock() {
  one_each o;
  std::optional<waits::stoppable> a, b, c;
  model::threads([&] { a = add_one(o.m, o.sum); }, [&] { b = add_one(o.m, o.sum); }, [&] { c = add_one(o.m, o.sum); });
  all_is_done(o.m, *a, *b);
  model::require(o.sum.get() == 3, "each has had it once");
}
// try_lock takes it or not, and does not disturb who waits.
void one_tries() {
  one_each o;
  std::optional<waits::stoppable> a, b;
  int had = 0;
  model::threads([&] { a = add_one(o.m, o.sum); }, [&] { b = add_one(o.m, o.sum); },
                 [&] {
                   if (auto held = o.m.try_lock()) {
                     o.sum.ref() += 1;
                     had = 1;
                   }
                 });
  all_is_done(o.m, *a, *b);
  model::require(o.sum.get() == 2 + had, "each has had it once");
}
// A stop meets the hand-over: the lock is had or the wait was stopped, and it is lost in neither case.
void stop_against_unlock() {
  one_each o;
  source stop;
  int stopped = 0;
  std::optional<waits::stoppable> a, b;
  auto first = o.m.try_lock();
  model::threads([&] { a = add_one_unless(stop, o.m, o.sum, stopped); }, [&] { first.unlock(); },
                 [&] { (void)stop.request_stop(); });
  b = add_one(o.m, o.sum);
  all_is_done(o.m, *a, *b);
  model::require(o.sum.get() + stopped == 2, "had or stopped");
}
// One of two who wait is stopped; the other one gets it.
void stop_before_another() {
  one_each o;
  source stop;
  int stopped = 0;
  std::optional<waits::stoppable> a, b;
  auto first = o.m.try_lock();
  a = add_one_unless(stop, o.m, o.sum, stopped);
  model::threads([&] { b = add_one(o.m, o.sum); }, [&] { first.unlock(); }, [&] { (void)stop.request_stop(); });
  all_is_done(o.m, *a, *b);
  model::require(o.sum.get() + stopped == 2, "had or stopped");
}
// Who has just got it from the last holder ends it.
void last_one_destroys() {
  auto o = std::make_unique<one_each>();
  auto first = o->m.try_lock();
  std::optional<waits::stoppable> a;
  const auto last = [](std::unique_ptr<one_each>& all) -> waits::stoppable {
    {
      auto held = co_await all->m.lock();
      all->sum.ref() += 1;
    }
    all.reset();
  };
  model::threads([&] { first.unlock(); }, [&] { a = last(o); });
  model::require(o == nullptr, "it has had it");
}

TEST_CASE("async_mutex under the model: each has it once, and what was done under it is seen") {
  holds(&two_lock);
  holds_mostly(&three_lock, 500);
  holds_mostly(&one_tries, 500);
}
TEST_CASE("async_mutex under the model: a stop loses no lock") {
  holds_mostly(&stop_against_unlock, 500);
  holds_mostly(&stop_before_another, 500);
}
TEST_CASE("async_mutex under the model: who has got it may destroy it") { holds(&last_one_destroys); }

}  // namespace
