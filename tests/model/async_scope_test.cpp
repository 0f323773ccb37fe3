#include <frys/sched/async_scope.hpp>

#include "blocks.hpp"
#include "tasks.hpp"

namespace {

using namespace blocks;
using namespace model_tasks;
using frys::task;
using scope_type = frys::basic_async_scope<with_model>;

struct household {
  scope_type scope;
  event first, second;
  payload a{0}, b{0};
  bool through = false;
  bool failed = false;
};
task<> marks(event& at, payload& into) {
  const bool went = co_await at;
  into.ref() = went ? 1 : 2;
}
task<> joins_both(household& h) {
  const frys::result<void> r = co_await h.scope.join();
  model::require(h.a.get() != 0 && h.b.get() != 0, "all that was spawned is over, and visible");
  h.failed = !r;
  h.through = true;
}
void spawn_both(household& h) {
  model::require(h.scope.spawn(marks(h.first, h.a)).has_value(), "not joined yet");
  model::require(h.scope.spawn(marks(h.second, h.b)).has_value(), "not joined yet");
}

// The join begins while tasks end.
void join_against_ends() {
  household h;
  spawn_both(h);
  model::threads([&] { h.first.open(); }, [&] { h.second.open(); }, [&] { frys::spawn(joins_both(h)); });
  model::require(h.through && !h.failed, "joined, once");
}
// A stop while a task ends and the scope is joined.
void stop_against_end() {
  household h;
  spawn_both(h);
  frys::spawn(joins_both(h));
  model::threads([&] { h.first.open(); }, [&] { (void)h.scope.request_stop(); });
  model::require(h.through, "joined");
  model::require(h.b.get() == 2, "the other one was stopped");
}
// A task spawns another one while the scope is joined and its first one ends.
task<> spawns(household& h) {
  const bool went = co_await h.first;
  h.a.ref() = went ? 1 : 2;
  model::require(h.scope.spawn(marks(h.second, h.b)).has_value(), "its own count keeps the scope open");
}
void spawn_while_joined() {
  household h;
  model::require(h.scope.spawn(spawns(h)).has_value(), "not joined yet");
  frys::spawn(joins_both(h));
  model::threads([&] { h.first.open(); }, [&] { h.second.open(); });
  model::require(h.through, "joined when the second is over, too");
}
// Two that fail: one is the first.
task<frys::result<void>> fails(event& at, payload& into, frys::errc code) {
  (void)co_await at;
  into.ref() = 1;
  co_return frys::error{code, frys::domain::user, "on purpose", 0};
}
void two_fail() {
  household h;
  model::require(h.scope.spawn(fails(h.first, h.a, frys::errc::full)).has_value(), "not joined yet");
  model::require(h.scope.spawn(fails(h.second, h.b, frys::errc::busy)).has_value(), "not joined yet");
  frys::spawn(joins_both(h));
  model::threads([&] { h.first.open(); }, [&] { h.second.open(); });
  model::require(h.through && h.failed, "joined, with a failure");
}
// Who sees that the tasks have ended may end the scope, without a join.
void gone_without_join() {
  household h;
  model::require(h.scope.spawn(marks(h.first, h.a)).has_value(), "not joined yet");
  model::threads([&] { h.first.open(); },
                 [&] {
                   if (h.scope.size_hint() == 0) model::require(h.a.get() == 1, "what it did is visible");
                 });
}

TEST_CASE("async_scope under the model: the join against the tasks' ends") { holds_mostly(&join_against_ends, 3000); }
TEST_CASE("async_scope under the model: a stop against an end") { holds_mostly(&stop_against_end, 3000); }
TEST_CASE("async_scope under the model: a task that spawns while the scope is joined") {
  holds_mostly(&spawn_while_joined, 3000);
}
TEST_CASE("async_scope under the model: of two failures one is told") { holds_mostly(&two_fail, 3000); }
TEST_CASE("async_scope under the model: who sees the ends may end the scope") { holds(&gone_without_join); }

}  // namespace
