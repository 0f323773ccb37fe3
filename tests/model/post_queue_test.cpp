#include <frys/io/epoll_reactor.hpp>  // for its queue of posted work

#include "blocks.hpp"

namespace {

using namespace blocks;
using queue = frys::detail::post_queue<A>;

struct job : frys::work {
  element payload{0};
};

// What the loop sleeps on, as an eventfd is: ringing and silencing are updates, so a ring that comes after the loop has
// silenced the bell is not taken for an earlier one.
struct bell {
  A::atomic<std::uint32_t> rung{0};
  void ring() {
    rung.exchange(1, std::memory_order_release);
    A::notify_one(rung);
  }
  void sleep() {
    while (rung.exchange(0, std::memory_order_acquire) == 0) (void)A::wait(rung, 0, frys::deadline::never());
  }
};

void take(queue& q, output<2>& out) {
  for (frys::work* w = q.take_all(); w != nullptr; w = w->next) out.add(static_cast<job*>(w)->payload);
}

// Two posters; whoever is told to wake the loop does so, and the loop gets both jobs.
template <bool OnePoster>
void post_against_sleep() {
  queue q;
  bell b;
  job jobs[2];
  output<2> out;
  const auto post = [&](int i) {
    jobs[i].payload = i + 1;
    if (q.push(jobs[i])) b.ring();
  };
  const auto loop = [&] {
    while (out.count != 2) {
      take(q, out);
      if (out.count == 2) break;
      if (!q.fall_asleep()) continue;
      b.sleep();
      q.wake_up();
    }
  };
  if constexpr (OnePoster)
    model::threads(
        [&] {
          post(0);
          post(1);
        },
        loop);
  else
    model::threads([&] { post(0); }, [&] { post(1); }, loop);
  model::require(out.times(1) == 1 && out.times(2) == 1, "each job comes once");
  if (OnePoster) model::require(out.rising(1, 2), "jobs of one poster keep their order");
}

// A loop that wakes for another reason takes its mark back, and nothing is lost.
void woken_otherwise() {
  queue q;
  job j;
  output<2> out;
  bool told = false;
  model::threads(
      [&] {
        j.payload = 1;
        told = q.push(j);
      },
      [&] {
        const bool asleep = q.fall_asleep();
        if (asleep) q.wake_up();
        take(q, out);
      });
  take(q, out);
  model::require(out.times(1) == 1, "each job comes once");
}

TEST_CASE("post_queue under the model: a sleeping loop is woken, and each job comes once") {
  holds(&post_against_sleep<false>);
  holds(&post_against_sleep<true>);
}
TEST_CASE("post_queue under the model: a loop that wakes for another reason loses nothing") { holds(&woken_otherwise); }

}  // namespace
