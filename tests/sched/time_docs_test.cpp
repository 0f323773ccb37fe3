// The programs of docs/time.md.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include <frys/core/parker.hpp>
#include <frys/core/tsc_clock.hpp>
#include <frys/sched/shared_timer_wheel.hpp>
#include <frys/sched/timer_wheel.hpp>
#include <frys/sim/clock.hpp>

namespace {

using namespace std::chrono_literals;

struct docs_tag;
using clock_in_docs = frys::sim::basic_clock<docs_tag>;

// [region session]
// Closes itself when nobody has spoken for thirty seconds. Clock is frys::tsc_clock, or a clock that a test moves.
template <class Clock>
class session {
 public:
  using wheel = frys::timer_wheel<frys::policy::clock<Clock>>;
  explicit session(wheel& w) : idle_(w, close_it{this}) { heard(); }
  void heard() { idle_.set(Clock::now() + 30s); }  // two list operations, whatever number of sessions there are
  bool is_open() const { return open_; }

 private:
  bool open_ = true;
  struct close_it {
    session* self;
    void operator()() const { self->open_ = false; }
  };
  frys::scoped_timer<wheel, close_it> idle_;  // withdraws itself with the session
};
// [endregion session]

// [region shared]
struct timeout : frys::shared_timer {
  std::atomic<bool> expired{false};
  timeout() : frys::shared_timer(&fires) {}
  static void fires(basic_shared_timer& t) noexcept { static_cast<timeout&>(t).expired = true; }
};

// A worker that sleeps until its next timer is due, or somebody sets an earlier one.
template <class Clock>
class worker {
 public:
  void set(frys::shared_timer& t, frys::nanoseconds delay) { timers_.add_after(t, delay); }  // any thread
  bool cancel(frys::shared_timer& t) { return timers_.cancel(t); }                           // any thread
  void stop() {
    stopping_ = true;
    parker_.unpark();
  }
  void run() {
    while (!stopping_) {
      (void)parker_.park_until(timers_.prepare_sleep());
      timers_.advance();
    }
  }

 private:
  static void wake(void* p) noexcept { static_cast<worker*>(p)->parker_.unpark(); }
  std::atomic<bool> stopping_{false};
  frys::parker<frys::policy::clock<Clock>> parker_;
  frys::shared_timer_wheel<frys::policy::clock<Clock>> timers_{frys::timer_wake{&wake, this}};
};
// [endregion shared]

}  // namespace

TEST_CASE("docs/time: a session closes itself after thirty seconds of silence") {
  clock_in_docs::reset();
  session<clock_in_docs>::wheel wheel;
  session<clock_in_docs> s(wheel);
  clock_in_docs::advance(20s);
  wheel.advance();
  s.heard();
  clock_in_docs::advance(29s);
  wheel.advance();
  CHECK(s.is_open());
  clock_in_docs::advance(2s);
  wheel.advance();
  CHECK_FALSE(s.is_open());
}

TEST_CASE("docs/time: a worker fires what another thread sets") {
  timeout soon, late;  // they outlive the worker, which lets go of them at its end
  worker<frys::tsc_clock> w;
  std::thread t([&] { w.run(); });
  w.set(late, 10h);
  w.set(soon, 1ms);
  while (!soon.expired) std::this_thread::yield();
  CHECK(w.cancel(late));
  w.stop();
  t.join();
  CHECK_FALSE(late.expired);
}
