#include <frys/queue/awaiting.hpp>

#include "blocks.hpp"
#include "refusing_queue.hpp"

#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/sched/cancel.hpp>
#include <frys/sched/task.hpp>

namespace {

using namespace blocks;
using queue = frys::awaiting<frys::mpmc_ring<element, frys::policy::capacity<1>, with_model>>;

// The loop of one thread.
class loop {
 public:
  void post(frys::work& w) noexcept { (void)posted_.push(w); }
  void run_until(const bool& done) noexcept {
    while (!done) {
      if (frys::work* const w = posted_.pop())
        w->run(*w);
      else
        A::pause();
    }
  }
  // For sync_wait.
  std::size_t run_once(frys::deadline) noexcept {
    if (frys::work* const w = posted_.pop())
      w->run(*w);
    else
      A::pause();
    return 0;
  }

 private:
  frys::intrusive_mpsc_queue<frys::work, with_model> posted_;
};

// Each runs to its end, on a loop of its own.
template <class Body>
auto on_loop(Body body) {
  return [body] {
    loop here;
    bool done = false;
    frys::spawn(body(here, done));
    here.run_until(done);
  };
}
template <class Queue>
auto takes(Queue& q, int times, int& sum) {
  return on_loop([&q, times, &sum](loop& here, bool& done) -> frys::task<> {
    return [](Queue& from, int n, int& into, loop& on, bool& end) -> frys::task<> {
      for (int i = 0; i < n; ++i) {
        auto v = co_await from.pop(on);
        if (!v) break;
        into += *v;
      }
      end = true;
    }(q, times, sum, here, done);
  });
}
template <class Queue>
auto gives(Queue& q, int first, int last, int& accepted) {
  return on_loop([&q, first, last, &accepted](loop& here, bool& done) -> frys::task<> {
    return [](Queue& to, int from, int till, int& into, loop& on, bool& end) -> frys::task<> {
      for (int i = from; i <= till; ++i)
        if (co_await to.push(on, typename Queue::value_type(i))) into += i;
      end = true;
    }(q, first, last, accepted, here, done);
  });
}

// A value calls who waits.
void value_calls() {
  queue q;
  int got = 0;
  model::threads(takes(q, 1, got), [&] { model::require(static_cast<bool>(q.try_push(7)), "there is room"); });
  model::require(got == 7, "the value comes out");
}
// Room calls who waits to push.
void room_calls() {
  queue q;
  int got = 0, accepted = 0;
  model::threads(gives(q, 1, 2, accepted), takes(q, 2, got));
  model::require(got == 3 && accepted == 3, "both come out");
}
// Two wait for one value; the other waits until closed.
void close_calls_all() {
  queue q;
  int accepted = 0, first = 0, second = 0;
  model::threads([&] { accepted = q.try_push(5) ? 5 : 0; }, [&] { q.close(); }, takes(q, 2, first),
                 takes(q, 2, second));
  model::require(first + second == accepted, "what was accepted comes out, once");
}
// Two values come at once, and room for two: see the tests of blocking.
// Plain values: coroutines' frames are not the model's memory, so that a value in a frame where another one has ended
// would look like a use of that.
using pair_queue = frys::awaiting<frys::mpmc_ring<int, frys::policy::capacity<2>, with_model>>;
void two_of_each() {
  pair_queue q;
  int first = 0, second = 0;
  model::threads([&] { (void)q.try_push(1); }, [&] { (void)q.try_push(2); }, takes(q, 1, first), takes(q, 1, second));
  model::require(first + second == 3, "each gets one");
}
void two_wait_for_room() {
  pair_queue q;
  for (int i = 0; i < 2; ++i) model::require(static_cast<bool>(q.try_push(1)), "there is room");
  int first = 0, second = 0;
  const auto pop = [&] { model::require(q.try_pop().has_value(), "they are there"); };
  model::threads(pop, pop, gives(q, 2, 2, first), gives(q, 3, 3, second));
  model::require(first + second == 5, "both find room");
}
// A consumer that gives up calls a producer that waits for room.
void abandon_calls() {
  frys::awaiting<frys::spsc_ring<element, frys::policy::capacity<1>, with_model>> q;
  model::require(static_cast<bool>(q.try_push(1)), "there is room");
  int accepted = 0;
  model::threads(gives(q, 2, 2, accepted), [&] { q.abandon(); });
  model::require(accepted == 0, "nobody takes the first");
}
// A push that will be refused is under way while the last value goes and the queue is closed: see the tests of
// blocking.
template <bool Waits>
void refused_push_calls() {
  frys::awaiting<refusing_queue> q;
  model::require(static_cast<bool>(q.try_push(1)), "there is room");
  int in = 1, out = 0, accepted = 0;
  const auto take = takes(q, 2, out);
  const auto consume = [&] {
    if (auto v = q.try_pop()) out += *v;
    q.close();
    take();
  };
  if constexpr (Waits)
    model::threads(gives(q, 2, 2, accepted), consume);
  else
    model::threads([&] { accepted = q.try_push(2) ? 2 : 0; }, consume);
  in += accepted;
  model::require(in == out, "what was accepted comes out, and then closed");
}
// A wait that is stopped: as basic_stop_source tells it, on a loop of its own.
using source = frys::basic_stop_source<with_model>;
int pops_until_stopped(pair_queue& q, frys::stop_token token) {
  loop here;
  auto v = frys::sync_wait(here, q.pop(here), token);
  return v ? *v : 0;
}
void stop_ends_pop() {
  pair_queue q;
  source asked;
  int got = 0;
  model::threads([&] { got = pops_until_stopped(q, asked.token()); }, [&] { (void)asked.request_stop(); });
  model::require(got == 0, "there is no value");
}
void stop_ends_push() {
  pair_queue q;
  for (int i = 0; i < 2; ++i) model::require(static_cast<bool>(q.try_push(1)), "there is room");
  source asked;
  bool accepted = true;
  model::threads(
      [&] {
        loop here;
        accepted = static_cast<bool>(frys::sync_wait(here, q.push(here, 2), asked.token()));
      },
      [&] { (void)asked.request_stop(); });
  model::require(!accepted, "there is no room");
}
// A value comes beside the stop.
void stop_against_value() {
  pair_queue q;
  source asked;
  int got = 0;
  model::threads([&] { got = pops_until_stopped(q, asked.token()); }, [&] { (void)asked.request_stop(); },
                 [&] { model::require(static_cast<bool>(q.try_push(7)), "there is room"); });
  if (auto v = q.try_pop()) got += *v;
  model::require(got == 7, "the value comes out once, or is still there");
}
// Another one waits, who must get what the stopped one leaves.
void stopped_misses_no_call() {
  pair_queue q;
  source asked;
  int got = 0;
  model::threads(
      takes(q, 1, got), [&] { (void)asked.request_stop(); },
      [&] {
        if (const int v = pops_until_stopped(q, asked.token()); v != 0)
          model::require(static_cast<bool>(q.try_push(int(v))), "there is room");
      },
      [&] { model::require(static_cast<bool>(q.try_push(7)), "there is room"); });
  model::require(got == 7, "the other one gets it");
}
TEST_CASE("awaiting under the model: a stop ends a wait, on whatever side, and takes no value") {
  holds_mostly(&stop_ends_pop);
  holds_mostly(&stop_ends_push);
  holds_at_random(&stop_against_value, 400);
}
TEST_CASE("awaiting under the model: one that is stopped keeps no call from another") {
  holds_at_random(&stopped_misses_no_call, 400);
}
TEST_CASE("awaiting under the model: a push that is refused calls who waited for it") {
  holds_mostly(&refused_push_calls<false>);
  holds_at_random(&refused_push_calls<true>, 400);
}
TEST_CASE("awaiting under the model: a consumer that gives up calls who waits") { holds_mostly(&abandon_calls); }
TEST_CASE("awaiting under the model: two values, or room for two, that come at once call two") {
  holds_at_random(&two_of_each, 400);
  holds_at_random(&two_wait_for_room, 400);
}
TEST_CASE("awaiting under the model: a value calls who waits") { holds_mostly(&value_calls); }
TEST_CASE("awaiting under the model: room calls who waits") { holds_at_random(&room_calls, 400); }
TEST_CASE("awaiting under the model: close calls all, whatever was under way") {
  holds_at_random(&close_calls_all, 400);
}

}  // namespace
