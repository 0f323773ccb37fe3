#include <frys/queue/awaiting.hpp>

#include "blocks.hpp"

#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
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
auto takes(queue& q, int times, int& sum) {
  return on_loop([&q, times, &sum](loop& here, bool& done) -> frys::task<> {
    return [](queue& from, int n, int& into, loop& on, bool& end) -> frys::task<> {
      for (int i = 0; i < n; ++i) {
        auto v = co_await from.pop(on);
        if (!v) break;
        into += *v;
      }
      end = true;
    }(q, times, sum, here, done);
  });
}
auto gives(queue& q, int first, int last, int& accepted) {
  return on_loop([&q, first, last, &accepted](loop& here, bool& done) -> frys::task<> {
    return [](queue& to, int from, int till, int& into, loop& on, bool& end) -> frys::task<> {
      for (int i = from; i <= till; ++i)
        if (co_await to.push(on, element(i))) into += i;
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
TEST_CASE("awaiting under the model: a value calls who waits") { holds_mostly(&value_calls); }
TEST_CASE("awaiting under the model: room calls who waits") { holds_at_random(&room_calls); }
TEST_CASE("awaiting under the model: close calls all, whatever was under way") { holds_at_random(&close_calls_all); }

}  // namespace
