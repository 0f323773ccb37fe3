#include <frys/sched/detail/idle_set.hpp>
#include <frys/sched/detail/timekeeper.hpp>

#include "blocks.hpp"

#include <frys/core/parker.hpp>

#include <algorithm>
#include <cstdint>

namespace {

using namespace blocks;
namespace detail = frys::detail;
using frys::nanoseconds;

// Workers that sleep until a timer is due, as pool_core does it, without anything else. The one timer is due when
// somebody sleeps until it.
struct dormitory {
  static constexpr std::int64_t nothing = (nanoseconds::max)().count();
  detail::sleep_marks<A> asleep;
  detail::timekeeper<A> time;
  A::atomic<std::int64_t> next[2] = {nothing, nothing};
  detail::timekeeper<A>::bed until[3] = {};
  A::atomic<bool> over{false};
  frys::parker<with_model, frys::policy::wait<frys::wait::park>> permit[3];

  auto earliest() {
    return [this] {
      return nanoseconds{(std::min)(next[0].load(std::memory_order_relaxed), next[1].load(std::memory_order_relaxed))};
    };
  }
  void wake_one() {
    if (const unsigned i = asleep.highest(); i != asleep.nobody) permit[i].unpark();
  }
  void set(std::int64_t at, unsigned shelf = 0) {
    next[shelf].store(at, std::memory_order_relaxed);
    const unsigned i = time.set(
        nanoseconds{at}, [this](unsigned k) -> auto& { return until[k]; });
    if (i == time.nobody)
      wake_one();
    else if (i != time.no_need)
      permit[i].unpark();
  }
  // Until worker i has slept until the timer is due, or another has.
  void sleep(unsigned i, bool takes_over = true) {
    asleep.mark(i);
    while (!over.load(std::memory_order_acquire)) {
      const frys::deadline at = time.lie_down(i, until[i], takes_over, earliest());
      if (at.is_never()) {
        permit[i].park();
        continue;
      }
      over.store(true, std::memory_order_release);
      for (unsigned k = 0; k < 3; ++k)
        if (k != i) permit[k].unpark();
    }
  }
  // Worker i sleeps, gets up for work, and is busy from then on.
  void work(unsigned i) {
    asleep.mark(i);
    (void)time.lie_down(i, until[i], true, earliest());
    (void)asleep.take(i);
    if (time.get_up(i, earliest())) wake_one();
  }
};

void one_sleeps() {
  dormitory d;
  model::threads([&] { d.set(5); }, [&] { d.sleep(0); });
}
void two_sleep() {
  dormitory d;
  model::threads([&] { d.set(5); }, [&] { d.sleep(0); }, [&] { d.sleep(1); });
}
void second_takes_nothing_over() {
  dormitory d;
  model::threads([&] { d.set(5); }, [&] { d.sleep(0); }, [&] { d.sleep(1, false); });
}
// Whoever keeps the time first, the one that works on does not.
template <unsigned Sleeper>
void other_works() {
  dormitory d;
  model::threads([&] { d.set(5); }, [&] { d.sleep(Sleeper); }, [&] { d.work(1 - Sleeper); });
}
// It stands there before.
template <unsigned Sleeper>
void other_works_later() {
  dormitory d;
  d.set(5);
  model::threads([&] { d.sleep(Sleeper); }, [&] { d.work(1 - Sleeper); });
}
void two_work() {
  dormitory d;
  d.set(5);
  model::threads([&] { d.work(2); }, [&] { d.sleep(0); }, [&] { d.work(1); });
}
// Two timers, on a shelf each; the keeper sleeps until the first.
template <std::int64_t First, std::int64_t Second>
void two_set() {
  dormitory d;
  model::threads([&] { d.set(First); }, [&] { d.set(Second, 1); },
                 [&] {
                   d.asleep.mark(0);
                   while (d.time.lie_down(0, d.until[0], true, d.earliest()).at.count() > (std::min)(First, Second))
                     d.permit[0].park();
                 });
}

}  // namespace

TEST_CASE("pool timers under the model: who sleeps sees a timer that is set, or is woken for it") {
  holds(&one_sleeps);
  holds_mostly(&two_sleep, 500);
  holds_mostly(&second_takes_nothing_over, 500);
}
TEST_CASE("pool timers under the model: who gets work leaves the time to who sleeps") {
  holds_mostly(&other_works<0>, 500);
  holds_mostly(&other_works<1>, 500);
  holds(&other_works_later<0>);
  holds(&other_works_later<1>);
  holds_at_random(&two_work, 500);
}
TEST_CASE("pool timers under the model: the keeper sleeps until the first of all") {
  holds(&two_set<5, 3>);
  holds(&two_set<5, 9>);
}
