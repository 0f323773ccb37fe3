#include <frys/sched/timeout.hpp>

#include "blocks.hpp"
#include "tasks.hpp"

namespace {

using namespace blocks;
using namespace model_tasks;
using frys::task;

// Timers that any thread may ring.
struct model_timers {
  event at;
  struct sleep {
    event& at;
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return at.await_suspend(h);
    }
    frys::result<void> await_resume() noexcept {
      if (at.await_resume()) return {};
      return frys::cancelled_error();
    }
  };
  sleep sleep_until(frys::deadline) noexcept { return {at}; }
};
struct race {
  model_timers timers;
  event thing;
  payload written{0};
  bool through = false;
};
task<frys::result<int>> thing_of(race& r) {
  const bool went = co_await r.thing;
  r.written.ref() = 7;
  if (!went) co_return frys::cancelled_error();
  co_return 3;
}
task<> waits_in_time(race& r) {
  const frys::result<int> got = co_await frys::with_timeout<with_model>(r.timers, thing_of(r), frys::deadline::never());
  model::require(r.written.get() == 7, "what the thing did is visible");
  model::require(got ? *got == 3 : got.error() == frys::errc::timed_out, "its answer, or that it was too late");
  r.through = true;
}
void deadline_against_end() {
  race r;
  frys::spawn(waits_in_time(r));
  model::threads([&] { r.timers.at.open(); }, [&] { r.thing.open(); });
  model::require(r.through, "it goes on, once");
}
void end_while_starting() {
  race r;
  model::threads([&] { r.thing.open(); }, [&] { frys::spawn(waits_in_time(r)); });
  model::require(r.through, "it goes on, once");
}

TEST_CASE("with_timeout under the model: the deadline against the end") { holds_mostly(&deadline_against_end); }
TEST_CASE("with_timeout under the model: an end while it is started") { holds_mostly(&end_while_starting); }

}  // namespace
