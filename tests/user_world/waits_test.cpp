// What coroutines wait for each other by, in three worlds: its defaults, a user's atomics, and the simulated ones. A
// count of the user's models proves that they were not ignored.
#include <doctest/doctest.h>

#include <frys/core/local_atomics.hpp>
#include <frys/sched/async_event.hpp>
#include <frys/sched/async_latch.hpp>
#include <frys/sched/async_mutex.hpp>
#include <frys/sched/async_semaphore.hpp>
#include <frys/sched/channel.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/world.hpp>

#include "models.hpp"

namespace {

template <class... P>
frys::task<> in_turn(frys::async_mutex<P...>& mutex, frys::async_semaphore<P...>& permits, frys::async_event<P...>& go,
                     frys::async_latch<P...>& done, frys::channel<int, P...>& out) {
  const auto begun = co_await go.wait();
  {
    auto held = co_await mutex.lock();
    const auto one = co_await permits.acquire();
    if (begun && held && one) {
      const auto pushed = co_await out.push(1);
      CHECK(pushed);
    }
  }
  permits.release();
  done.count_down();
}
template <class... P>
frys::task<> two_in_turn(int& sum) {
  frys::async_mutex<P...> mutex;
  frys::async_semaphore<P...> permits(1);
  frys::async_event<P...> go;
  frys::async_latch<P...> done(2);
  frys::channel<int, P...> out;
  frys::task_scope scope;
  for (int i = 0; i < 2; ++i) scope.spawn(in_turn<P...>(mutex, permits, go, done, out));
  go.set();
  const auto all = co_await done.wait();
  CHECK(all);
  out.close();
  for (;;) {
    auto v = co_await out.pop();
    if (!v) break;
    sum += *v;
  }
}
template <class... P>
int all_in_turn() {
  int sum = 0;
  frys::sync_wait(two_in_turn<P...>(sum));
  return sum;
}

}  // namespace

TEST_CASE("user_world: what coroutines wait for takes a user's atomics") {
  namespace policy = frys::policy;
  CHECK(all_in_turn<>() == 2);
  const long before = user::uses::atomics.load();
  CHECK(all_in_turn<policy::world<user::world>>() == 2);
  CHECK(user::uses::atomics.load() > before);
  CHECK(all_in_turn<policy::atomics<user::world::atomics>>() == 2);
  CHECK(all_in_turn<policy::world<frys::sim::world>>() == 2);
  CHECK(all_in_turn<policy::atomics<frys::atomics::local>>() == 2);
}
