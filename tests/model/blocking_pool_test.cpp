#include <frys/sched/blocking_pool.hpp>

#include "blocks.hpp"

#include <memory>
#include <utility>

#if FRYS_HAS_THREAD
namespace {

using namespace blocks;

struct no_time {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds{0}; }
};

constexpr frys::nanoseconds for_ever = (frys::nanoseconds::max)();  // or the model lets a thread go at any time

// A pool's threads are threads of the body, which stand by until they are started: one after the other, as many as the
// body has; more are refused.
struct stand_by {
  using parker = frys::parker<with_model, frys::policy::wait<frys::wait::park>>;
  struct seat {
    parker start, end;
    void (*run)(void*) noexcept = nullptr;
    void* argument = nullptr;
  };
  struct hall {
    seat seats[3];
    unsigned given = 0, all = 0;
  };
  static inline hall* here = nullptr;

  class thread {
   public:
    thread() = default;
    explicit thread(seat& s) noexcept : seat_(&s) {}
    thread(thread&& other) noexcept : seat_(std::exchange(other.seat_, nullptr)) {}
    thread& operator=(thread&& other) noexcept {
      seat_ = std::exchange(other.seat_, nullptr);
      return *this;
    }
    bool joinable() const noexcept { return seat_ != nullptr; }
    void join() noexcept { std::exchange(seat_, nullptr)->end.park(); }

   private:
    seat* seat_ = nullptr;
  };
  static frys::result<thread> start(const frys::thread_options&, void (*run)(void*) noexcept, void* argument) noexcept {
    if (here->given == here->all) return frys::error{frys::errc::limit_exceeded, frys::domain::user, "no thread", 0};
    seat& s = here->seats[here->given++];
    s.run = run;
    s.argument = argument;
    s.start.unpark();
    return thread(s);
  }
  template <class Tag>
  static void*& local() noexcept {
    static void* none = nullptr;
    return none;
  }
  // A thread of the body.
  static void stands_by(seat& s) {
    s.start.park();
    if (s.run != nullptr) s.run(s.argument);
    s.end.unpark();
  }
};
using pool = frys::blocking_pool<with_model, frys::policy::threads<stand_by>, frys::policy::wait<frys::wait::park>,
                                 frys::policy::clock<no_time>>;

struct job : frys::work {
  explicit job(int n = 0) : work(&runs), payload(n) {}
  static void runs(frys::work& w) noexcept {
    auto& j = static_cast<job&>(w);
    j.seen = j.payload.get();
    j.answer.ref() = j.seen;
    if (j.more != nullptr) j.to->post(*j.more);
    ++j.times;
    if (j.waits_for != nullptr) j.waits_for->park();
    if (j.tells != nullptr) j.tells->unpark();
  }
  A::var<int> payload;
  A::var<int> answer{0};
  int seen = 0, times = 0;
  pool* to = nullptr;
  job* more = nullptr;

  stand_by::parker* waits_for = nullptr;
  stand_by::parker* tells = nullptr;
};

// The owner makes the pool, does its part, drains, and lets those go who were not started.
template <class Owner>
void with_pool(stand_by::hall& hall, unsigned threads, frys::blocking_pool_options options, job* last, Owner owner) {
  hall.all = threads;
  stand_by::here = &hall;
  {
    auto made = pool::create(options);
    model::require(made.has_value(), "the pool is made");
    owner(**made);
    model::require((*made)->drain().has_value(), "all of it ends");
    if (last != nullptr) model::require(last->answer.get() == last->payload.get(), "drain sees what the work did");
  }
  for (unsigned i = hall.given; i < threads; ++i) hall.seats[i].start.unpark();
}

// Two pieces of work and two threads: each runs, once, and sees what was done before its post.
void two_posts() {
  stand_by::hall hall;
  job a(1), b(2);
  model::threads(
      [&] {
        with_pool(hall, 2, {.most_threads = 2, .keep_alive = for_ever}, &b, [&](pool& p) {
          p.post(a);
          p.post(b);
        });
        model::require(a.times == 1 && b.times == 1 && a.seen == 1 && b.seen == 2, "each runs once");
      },
      [&] { stand_by::stands_by(hall.seats[0]); }, [&] { stand_by::stands_by(hall.seats[1]); });
}
// One thread at most: the second piece finds it busy, about to sleep, or asleep.
void one_thread() {
  stand_by::hall hall;
  job a(1), b(2);
  model::threads(
      [&] {
        with_pool(hall, 1, {.most_threads = 1, .keep_alive = for_ever}, &b, [&](pool& p) {
          p.post(a);
          p.post(b);
        });
        model::require(a.times == 1 && b.times == 1 && b.seen == 2, "each runs once");
      },
      [&] { stand_by::stands_by(hall.seats[0]); });
}
// The second piece comes from another thread. Room for two threads, but only one can be made.
void none_to_be_made() {
  stand_by::hall hall;
  job a(1), b(2);
  pool* shared = nullptr;
  stand_by::parker go, done;
  model::threads(
      [&] {
        with_pool(hall, 1, {.most_threads = 2, .resident = 1, .keep_alive = for_ever}, &b, [&](pool& p) {
          shared = &p;
          go.unpark();
          p.post(a);
          done.park();
        });
        model::require(a.times == 1 && b.times == 1 && b.seen == 2, "each runs once");
      },
      [&] { stand_by::stands_by(hall.seats[0]); },
      [&] {
        go.park();
        shared->post(b);
        done.unpark();
      });
}
// One piece waits for the other: a thread that has been promised to the second must not be taken by the first.
void one_waits_for_the_other() {
  stand_by::hall hall;
  stand_by::parker told;
  job a(1), b(2);
  a.waits_for = &told;
  b.tells = &told;
  model::threads(
      [&] {
        with_pool(hall, 2, {.most_threads = 2, .keep_alive = for_ever}, &b, [&](pool& p) {
          p.post(a);
          p.post(b);
        });
        model::require(a.times == 1 && b.times == 1, "both end");
      },
      [&] { stand_by::stands_by(hall.seats[0]); }, [&] { stand_by::stands_by(hall.seats[1]); });
}
// A thread whose keep_alive is over goes, or takes the work that comes at that moment; the next one takes its place.
void goes_and_comes() {
  stand_by::hall hall;
  job a(1), b(2);
  model::threads(
      [&] {
        with_pool(hall, 2, {.most_threads = 1, .keep_alive = frys::nanoseconds(1)}, &b, [&](pool& p) {
          p.post(a);
          p.post(b);
        });
        model::require(a.times == 1 && b.times == 1 && b.seen == 2, "each runs once");
      },
      [&] { stand_by::stands_by(hall.seats[0]); }, [&] { stand_by::stands_by(hall.seats[1]); });
}
// Work that brings work, and so starts the second thread.
void work_posts() {
  stand_by::hall hall;
  job a(1), b(2);
  a.more = &b;
  model::threads(
      [&] {
        with_pool(hall, 2, {.most_threads = 2, .keep_alive = for_ever}, nullptr, [&](pool& p) {
          a.to = &p;
          p.post(a);
          while (p.stats().finished != 2) A::pause();
        });
        model::require(a.times == 1 && b.times == 1 && b.seen == 2, "each runs once");
      },
      [&] { stand_by::stands_by(hall.seats[0]); }, [&] { stand_by::stands_by(hall.seats[1]); });
}
// The end, while threads sleep, are about to, or work.
void ends_at_once() {
  stand_by::hall hall;
  job a(1);
  model::threads(
      [&] {
        hall.all = 1;
        stand_by::here = &hall;
        {
          auto made = pool::create({.most_threads = 1, .keep_alive = for_ever});
          (*made)->post(a);
        }
        model::require(a.times <= 1, "it runs once or not at all");
      },
      [&] { stand_by::stands_by(hall.seats[0]); });
}

// The end, while the only thread is about to sleep.
void ends_while_it_falls_asleep() {
  stand_by::hall hall;
  model::threads(
      [&] {
        hall.all = 1;
        stand_by::here = &hall;
        auto made = pool::create({.most_threads = 1, .resident = 1, .keep_alive = for_ever});
      },
      [&] { stand_by::stands_by(hall.seats[0]); });
}

TEST_CASE("blocking_pool under the model: what is posted runs once, whether its thread sleeps or works") {
  holds_at_random(&one_thread, 100);
  holds_at_random(&two_posts, 100);
  holds_at_random(&none_to_be_made, 100);
  holds_at_random(&work_posts, 100);
}
TEST_CASE("blocking_pool under the model: each piece of work has a thread of its own") {
  holds_at_random(&one_waits_for_the_other, 100);
}
TEST_CASE("blocking_pool under the model: threads go, and work that comes meanwhile is not lost") {
  holds_at_random(&goes_and_comes, 100);
}
TEST_CASE("blocking_pool under the model: the end finds every thread") {
  holds_at_random(&ends_at_once, 100);
  holds_mostly(&ends_while_it_falls_asleep, 100);
}

}  // namespace
#endif  // FRYS_HAS_THREAD
