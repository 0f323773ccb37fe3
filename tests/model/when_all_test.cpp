#include <frys/sched/when_all.hpp>

#include "blocks.hpp"
#include "tasks.hpp"

#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

#include <tuple>
#include <utility>

namespace {

using namespace blocks;
using namespace model_tasks;
using frys::task;

// Writes where it goes on, which who waits for it reads.
task<int> writes(event& at, payload& into, int n) {
  const bool went = co_await at;
  into.ref() = n;
  co_return went ? n : -n;
}
struct family {
  event first, second;
  payload a{0}, b{0};
  int sum = 0;
  bool through = false;
};
task<> waits_for_both(family& f) {
  auto [x, y] = co_await frys::when_all<with_model>(writes(f.first, f.a, 1), writes(f.second, f.b, 2));
  model::require(f.a.get() == 1 && f.b.get() == 2, "what the children did is visible");
  f.sum = x + y;
  f.through = true;
}

// Two children that end on two threads.
void both_end_at_once() {
  family f;
  frys::spawn(waits_for_both(f));
  model::threads([&] { f.first.open(); }, [&] { f.second.open(); });
  model::require(f.through && f.sum == 3, "both answers are there, once");
}
// The children end while the third thread still starts them.
void end_while_starting() {
  family f;
  model::threads([&] { f.first.open(); }, [&] { f.second.open(); }, [&] { frys::spawn(waits_for_both(f)); });
  model::require(f.through && f.sum == 3, "both answers are there, once");
}
// A stop from outside while a child ends: nobody goes on before the stop has been passed on.
task<> stopped_parent(family& f) {
  auto [x, y] = co_await frys::when_all<with_model>(writes(f.first, f.a, 1), writes(f.second, f.b, 2));
  f.sum = x + y;
  f.through = true;
}
void stop_against_end() {
  source s;
  {
    family f;
    with_token(s.token(), stopped_parent(f));
    model::threads([&] { f.first.open(); }, [&] { s.request_stop(); });
    model::require(f.through, "it goes on");
    model::require(f.sum == -1 || f.sum == -3, "the second was stopped, the first perhaps");
  }
}

// when_any: two that end at once. One wins, both have ended.
task<> waits_for_first(family& f) {
  const auto first = co_await frys::when_any<with_model>(writes(f.first, f.a, 1), writes(f.second, f.b, 2));
  model::require(f.a.get() == 1 && f.b.get() == 2, "both have ended, the loser too");
  f.sum = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
  f.through = true;
}
void one_wins() {
  family f;
  frys::spawn(waits_for_first(f));
  model::threads([&] { f.first.open(); }, [&] { f.second.open(); });
  model::require(f.through && (f.sum == 1 || f.sum == 2), "one of the two has won, with its answer");
}
void win_while_starting() {
  family f;
  model::threads([&] { f.first.open(); }, [&] { frys::spawn(waits_for_first(f)); });
  model::require(f.through && f.sum == 1, "the one that nobody opens is stopped");
}
void stop_against_winner() {
  source s;
  {
    family f;
    with_token(s.token(), waits_for_first(f));
    model::threads([&] { f.first.open(); }, [&] { s.request_stop(); });
    model::require(f.through && f.sum != 0 && f.sum != 2, "it goes on when all have ended");
  }
}

TEST_CASE("when_all under the model: two children that end at once") { holds(&both_end_at_once); }
TEST_CASE("when_all under the model: children that end while they are started") {
  holds_at_random(&end_while_starting, 3000);
}
TEST_CASE("when_all under the model: a stop from outside against a child's end") {
  holds_mostly(&stop_against_end, 3000);
}
TEST_CASE("when_any under the model: of two that end at once one wins, and both have ended") {
  holds_mostly(&one_wins, 3000);
}
TEST_CASE("when_any under the model: a child that ends while they are started") {
  holds_mostly(&win_while_starting, 3000);
}
TEST_CASE("when_any under the model: a stop from outside against the winner") {
  holds_mostly(&stop_against_winner, 3000);
}

}  // namespace
