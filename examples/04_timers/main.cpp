// How do I wait for time, in a loop that has other things to do?
//
// A task sleeps in the loop of a reactor; a timer_wheel holds deadlines by the thousand, most of which are cancelled.
#include <cstdio>

#include <frys/io/choose.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timer_wheel.hpp>

using namespace std::chrono_literals;

// [region sleep]
// Works on every reactor: three lines, thirty milliseconds apart.
template <class Reactor>
frys::task<> count_down(Reactor& reactor, const char* name) {
  for (int i = 3; i > 0; --i) {
    std::printf("%s %d\n", name, i);
    (void)co_await reactor.sleep_for(30ms);
  }
}

template <class Reactor>
frys::task<> both(Reactor& reactor) {
  frys::task_scope scope;  // owns what it spawns
  scope.spawn(count_down(reactor, "left"));
  scope.spawn(count_down(reactor, "right"));
  co_await scope.join();
}
// [endregion sleep]

// [region wheel]
// A session that ends unless somebody speaks in time. The timer lives in the session: no allocation to set or cancel
// it.
struct session : frys::timer {
  int id = 0;
  bool ended = false;
  session() : frys::timer(&too_late) {}
  static void too_late(frys::timer& t) noexcept { static_cast<session&>(t).ended = true; }
};

int count_ended() {
  frys::timer_wheel<> wheel;  // knows no clock: time comes in by advance
  static session sessions[10'000];
  for (int i = 0; i < 10'000; ++i) {
    sessions[i].id = i;
    wheel.add(sessions[i], 5s);
  }
  for (int i = 0; i < 9'990; ++i) {  // these spoke: their deadline moves
    wheel.cancel(sessions[i]);
    wheel.add(sessions[i], 8s);
  }
  wheel.advance(6s);
  int ended = 0;
  for (session& s : sessions) {
    ended += s.ended ? 1 : 0;
    wheel.cancel(s);  // before it dies; harmless for those that fired
  }
  return ended;
}
// [endregion wheel]

int main() {
  // [region choose]
  auto ran = frys::with_reactor({}, [](auto& reactor, std::string_view reason) {
    std::printf("on %s: %.*s\n", reactor.name().data(), static_cast<int>(reason.size()), reason.data());
    frys::sync_wait(reactor, both(reactor));
  });
  if (!ran) {
    std::printf("no reactor: %s\n", ran.error().message);
    return 1;
  }
  // [endregion choose]
  const int ended = count_ended();
  std::printf("%d of 10000 sessions ended\n", ended);
  return ended == 10 ? 0 : 1;
}
